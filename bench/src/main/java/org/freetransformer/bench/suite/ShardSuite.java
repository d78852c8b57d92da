package org.freetransformer.bench.suite;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.freetransformer.bench.limit.MemoryLoop;
import org.freetransformer.bench.limit.Traffic;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.sharding.Exchange;
import org.freetransformer.nn.sharding.ProcessGroup;
import org.freetransformer.nn.sharding.Strategy;
import org.freetransformer.tensor.DType;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.ShardingConfig;
import org.freetransformer.train.TrainingConfig;

/**
 * Ranks of one thread each in this process: a training step beside that of one engine with as many
 * threads and the same batch, which stands as the limit; and the collective calls beside a loop
 * that reads and writes as many bytes as they have to.
 */
final class ShardSuite implements Suite {
  private static final int WIDTH = 512;

  /** Sequences of a step; more, where ranks could not share them equally. */
  private static final int BATCH = 4;

  private static final int LENGTH = 256;
  private static final int VOCABULARY = 8192;

  /** Bytes of a collective's whole, about: it has equal parts of whole cache lines. */
  private static final long BYTES = 64L << 20;

  private static final long LINE = 64;

  private static final List<String> COLLECTIVES =
      List.of("all-gather", "reduce-scatter", "all-reduce");
  private static final String BF16 = ", bf16";

  @Override
  public String name() {
    return "shard";
  }

  @Override
  public List<String> cases() {
    List<String> cases = new ArrayList<>();
    for (Strategy strategy : Strategy.values()) {
      cases.add(nameOf(strategy));
    }
    cases.add(nameOf(Strategy.FULL_SHARD) + BF16);
    cases.addAll(COLLECTIVES);
    return cases;
  }

  private static String nameOf(Strategy strategy) {
    return "step " + strategy.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  @Override
  public List<String> quickCases() {
    return List.of(nameOf(Strategy.FULL_SHARD), "reduce-scatter");
  }

  @Override
  public Contest open(String name, Place place) {
    if (COLLECTIVES.contains(name)) {
      return collective(name, place.threads());
    }
    for (Strategy strategy : Strategy.values()) {
      if (name.equals(nameOf(strategy)) || name.equals(nameOf(strategy) + BF16)) {
        return step(strategy, name.endsWith(BF16), place.threads());
      }
    }
    throw new IllegalArgumentException("no case of suite shard is named '%s'".formatted(name));
  }

  // ---- Training steps ----

  private static Contest step(Strategy strategy, boolean narrow, int ranks) {
    ShardingConfig.Exchange exchange =
        narrow ? ShardingConfig.Exchange.BF16 : ShardingConfig.Exchange.FP32;
    int share = Math.ceilDiv(BATCH, ranks);
    // Nodes of one rank each, which only hybrid sharding heeds.
    ShardingConfig sharding = new ShardingConfig(true, strategy, 0, exchange, true, 1, false);
    StandingRanks ours =
        new StandingRanks(ranks, group -> step(sharding, share, ranks, 1, Ranks.of(group)));
    TrainerStep limit = step(sharding, share * ranks, 1, ranks, Ranks.ONE);
    double tokens = (double) share * ranks * LENGTH;
    return Contest.tokens(tokens, ours, limit, ours::close, limit::close);
  }

  private static TrainerStep step(
      ShardingConfig sharding, int share, int microBatches, int threads, Ranks ranks) {
    ModelConfig model =
        ModelConfig.builder()
            .kind(ModelConfig.Kind.BASELINE)
            .vocabSize(VOCABULARY)
            .hiddenDim(WIDTH)
            .numLayers(4)
            .numHeads(8)
            .numKvHeads(8)
            .ffnHiddenDim(1376)
            .maxSeqLen(LENGTH)
            .tieEmbeddings(true)
            .build();
    TrainingConfig training =
        TrainingConfig.builder()
            .batchSize(share)
            .gradientAccumulationSteps(microBatches)
            .gradClip(1)
            .sharding(sharding)
            .build();
    return TrainerStep.random(model, training, threads, ranks);
  }

  // ---- Collectives ----

  private static Contest collective(String name, int ranks) {
    StandingRanks ours = new StandingRanks(ranks, group -> new Call(name, group));
    Traffic traffic = traffic(name, ranks);
    MemoryLoop limit = new MemoryLoop(traffic, ranks);
    return new Contest(
        traffic.total(),
        Unit.GIGABYTES,
        ours,
        List.of(),
        null,
        List.of(limit),
        0,
        List.of(ours::close, limit::close));
  }

  /** Of all ranks together, which read each other's memory. */
  private static Traffic traffic(String name, int ranks) {
    long whole = partOf(ranks) * ranks;
    long others = whole * (ranks - 1);
    return switch (name) {
      case "all-gather" -> new Traffic(whole, whole * ranks, 0, others, 0);
      case "reduce-scatter" -> new Traffic(whole * ranks, 0, whole);
      // A part of the sum each; then every rank takes the others' parts.
      case "all-reduce" -> new Traffic(0, 0, whole * ranks, others, 0);
      default -> throw new IllegalArgumentException(name);
    };
  }

  /** Bytes of one rank's part. */
  private static long partOf(int ranks) {
    return Math.ceilDiv(BYTES, LINE * ranks) * LINE;
  }

  private static final class Call implements StandingRanks.Part {
    private final Arena arena = Arena.ofShared();
    private final Exchange exchange;

    @SuppressWarnings("MustBeClosedChecker") // Closed with this.
    Call(String name, ProcessGroup group) {
      MemorySegment part = arena.allocate(partOf(group.size()), LINE);
      MemorySegment all = arena.allocate(part.byteSize() * group.size(), LINE);
      exchange =
          switch (name) {
            case "all-gather" -> group.allGather(part, all);
            case "reduce-scatter" -> group.reduceScatter(all, DType.F32, part);
            default -> group.allReduce(all, DType.F32);
          };
    }

    @Override
    public void run() {
      exchange.run();
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
