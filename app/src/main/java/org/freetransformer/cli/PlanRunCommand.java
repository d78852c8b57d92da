package org.freetransformer.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.freetransformer.config.Limits;
import org.freetransformer.run.RankPlan;
import org.freetransformer.run.RunPlan;
import org.freetransformer.run.StepWork;
import org.freetransformer.run.Units;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.ShardingConfig;
import org.freetransformer.train.TrainingConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ft plan-run}: what a training run will take. */
@Command(
    name = "plan-run",
    mixinStandardHelpOptions = true,
    description = "Tells a run's parameters, memory and work before it is started.")
final class PlanRunCommand implements Callable<Integer> {
  private static final int MOST_RANKS = 1 << 20;

  @Mixin private Output output;
  @Mixin private ConfigOptions config;

  @Option(
      names = "--init",
      paramLabel = "PATH",
      description = "The saved model that the run starts from, as for ft train.")
  private @Nullable Path init;

  @Option(
      names = "--program",
      description = "Also lists the instructions of one training step, with their useful FLOPs.")
  private boolean program;

  @Option(
      names = "--ranks",
      paramLabel = "N",
      description =
          "Also plans one of N ranks, 1 to "
              + MOST_RANKS
              + ", as training.fsdp_config splits the model, and what its host"
              + " keeps if cpu_offload is set. In JSON, bytes beside per_rank is for one process.")
  private @Nullable Integer ranks;

  @Option(
      names = "--bandwidth",
      paramLabel = "GB/s",
      defaultValue = "10",
      description =
          "Bytes that leave a rank, above 0, for the share of communication (default:"
              + " ${DEFAULT-VALUE}).")
  private double bandwidth;

  @Option(
      names = "--speed",
      paramLabel = "GFLOP/s",
      defaultValue = "100",
      description = "What a rank computes, above 0, for the same (default: ${DEFAULT-VALUE}).")
  private double speed;

  @Override
  public Integer call() {
    Limits.positive("--bandwidth", bandwidth, 1e9);
    Limits.positive("--speed", speed, 1e12);
    RunConfig run = config.read(output, init);
    RunPlan plan = RunPlan.of(inOneProcess(run));
    if (ranks != null || run.training().sharding().cpuOffload()) {
      int count = ranks == null ? 1 : ranks;
      Limits.between("--ranks", count, 1, MOST_RANKS);
      RankPlan rank = RankPlan.of(run, count);
      Map<String, Object> object = json(plan, rank.step());
      object.put("per_rank", json(rank));
      output.result(object, text(rank));
      return 0;
    }
    output.result(json(plan, plan.step()), text(plan));
    return 0;
  }

  /** The run without offloading, which is planned beside ranks and for them alone. */
  private static RunConfig inOneProcess(RunConfig run) {
    TrainingConfig training = run.training();
    return training.sharding().cpuOffload()
        ? new RunConfig(
            run.model(), training.toBuilder().sharding(ShardingConfig.DEFAULT).build(), run.data())
        : run;
  }

  /**
   * A plan of the run in one process.
   *
   * @param step of that process, or of one rank
   */
  private Map<String, Object> json(RunPlan plan, StepWork step) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("parameters", plan.parameters());
    object.put("bytes", plan.bytes());
    object.put("total_bytes", plan.totalBytes());
    object.put("flops_per_token", plan.flopsPerToken());
    object.put("instructions", step.instructions());
    if (program) {
      object.put("program", step.listing().lines().toList());
    }
    return object;
  }

  private Map<String, Object> json(RankPlan plan) {
    Map<String, Object> rank = new LinkedHashMap<>();
    rank.put("bytes", plan.bytes());
    rank.put("total_bytes", plan.totalBytes());
    if (!plan.hostBytes().isEmpty()) {
      rank.put("host_bytes", plan.hostBytes());
      rank.put("total_host_bytes", plan.totalHostBytes());
    }
    rank.put("flops_per_step", plan.step().flops());
    rank.put("bytes_sent_per_step", plan.bytesSent());
    rank.put("communication_share", plan.communicationShare(bandwidth * 1e9, speed * 1e9));
    return rank;
  }

  private String text(RankPlan plan) {
    StringBuilder text = new StringBuilder();
    plan.bytes().forEach((kind, bytes) -> row(text, "a rank's " + kind, Units.bytes(bytes)));
    row(text, "a rank's memory in all", Units.bytes(plan.totalBytes()));
    if (!plan.hostBytes().isEmpty()) {
      plan.hostBytes()
          .forEach((kind, bytes) -> row(text, "its host's " + kind, Units.bytes(bytes)));
      row(text, "its host's memory in all", Units.bytes(plan.totalHostBytes()));
    }
    row(text, "FLOPs a step and rank", Units.count(plan.step().flops()));
    row(text, "sent a step and rank", Units.bytes(plan.bytesSent()));
    double share = plan.communicationShare(bandwidth * 1e9, speed * 1e9);
    row(text, "communication, no overlap", "%.1f %%".formatted(100 * share));
    addProgram(text, plan.step().listing());
    return text.toString();
  }

  private String text(RunPlan plan) {
    StringBuilder text = new StringBuilder();
    row(text, "parameters", Units.count((double) plan.parameters()));
    plan.bytes().forEach((kind, bytes) -> row(text, "memory, " + kind, Units.bytes(bytes)));
    row(text, "memory in all", Units.bytes(plan.totalBytes()));
    row(text, "FLOPs a token", Units.count(plan.flopsPerToken()));
    row(text, "instructions a step", String.valueOf(plan.step().instructions()));
    addProgram(text, plan.step().listing());
    return text.toString();
  }

  private void addProgram(StringBuilder text, String listing) {
    if (program) {
      text.append('\n').append(listing);
    }
  }

  private static void row(StringBuilder text, String name, String value) {
    text.append("%-28s %12s%n".formatted(name, value));
  }
}
