package org.freetransformer.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.freetransformer.run.RunPlan;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ft plan-run}: what a training run will take. */
@Command(
    name = "plan-run",
    mixinStandardHelpOptions = true,
    description = "Tells a run's parameters, memory and work before it is started.")
final class PlanRunCommand implements Callable<Integer> {
  @Mixin private Output output;
  @Mixin private ConfigOptions config;

  @Option(
      names = "--program",
      description = "Also lists the instructions of one training step, with their useful FLOPs.")
  private boolean program;

  @Override
  public Integer call() {
    RunPlan plan = RunPlan.of(config.read(output));
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("parameters", plan.parameters());
    object.put("bytes", plan.bytes());
    object.put("total_bytes", plan.totalBytes());
    object.put("flops_per_token", plan.flopsPerToken());
    object.put("instructions", plan.instructions());
    if (program) {
      object.put("program", plan.listing().lines().toList());
    }
    output.result(object, text(plan));
    return 0;
  }

  private String text(RunPlan plan) {
    StringBuilder text = new StringBuilder();
    row(text, "parameters", Units.count((double) plan.parameters()));
    plan.bytes().forEach((kind, bytes) -> row(text, "memory, " + kind, Units.bytes(bytes)));
    row(text, "memory in all", Units.bytes(plan.totalBytes()));
    row(text, "FLOPs a token", Units.count(plan.flopsPerToken()));
    row(text, "instructions a step", String.valueOf(plan.instructions()));
    if (program) {
      text.append('\n').append(plan.listing());
    }
    return text.toString();
  }

  private static void row(StringBuilder text, String name, String value) {
    text.append("%-28s %12s%n".formatted(name, value));
  }
}
