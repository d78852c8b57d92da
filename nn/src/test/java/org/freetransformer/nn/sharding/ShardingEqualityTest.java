package org.freetransformer.nn.sharding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.freetransformer.nn.sharding.TinyTraining.Task;
import org.freetransformer.tensor.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every strategy, in f32 and bf16, with one and with several micro-batches a rank, on 1 to 4 ranks:
 * each trains as one rank with the same micro-batches does.
 */
class ShardingEqualityTest {
  private static final int STEPS = 3;

  /** What is compared; the number of ranks is also that of a node, or its double. */
  record Case(ShardingPlan plan, int ranks, int microBatchesEach) {
    /** Whether gradients are added up in the order of the micro-batches, as one rank adds them. */
    boolean hasTheOrderOfOneRank() {
      return switch (plan.strategy()) {
        case FULL_SHARD, SHARD_GRAD_OP, NO_SHARD ->
            plan.reduceEveryMicroBatch() || microBatchesEach == 1;
        case HYBRID_SHARD ->
            plan.nodeRanks() == ranks && (plan.reduceEveryMicroBatch() || microBatchesEach == 1);
      };
    }

    @Override
    public String toString() {
      return "%s %s%s, %d ranks of %d micro-batches%s"
          .formatted(
              plan.strategy(),
              plan.exchanged(),
              plan.strategy() == Strategy.HYBRID_SHARD ? " nodes of " + plan.nodeRanks() : "",
              ranks,
              microBatchesEach,
              plan.reduceEveryMicroBatch() ? "" : ", reduced once");
    }
  }

  static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (Strategy strategy : Strategy.values()) {
      for (DType type : List.of(DType.F32, DType.BF16)) {
        for (int ranks = 1; ranks <= 4; ranks++) {
          for (int each : new int[] {1, 3}) {
            for (boolean everyMicroBatch : new boolean[] {true, false}) {
              ShardingPlan plan =
                  ShardingPlan.of(strategy)
                      .withExchanged(type)
                      .withReduceEveryMicroBatch(everyMicroBatch);
              cases.add(new Case(plan.withNodeRanks(ranks), ranks, each));
              if (strategy == Strategy.HYBRID_SHARD && ranks % 2 == 0) {
                cases.add(new Case(plan.withNodeRanks(ranks / 2), ranks, each));
              }
            }
          }
        }
      }
    }
    return cases;
  }

  private static final Map<Case, List<Float>> ALONE = new ConcurrentHashMap<>();

  /**
   * One rank with all the micro-batches of a case. Where nothing is split, parameters do not travel
   * and are not rounded, but the sum of gradients is.
   */
  private static List<Float> alone(Case many) {
    boolean whole = many.plan().strategy() == Strategy.NO_SHARD;
    ShardingPlan plan =
        ShardingPlan.of(whole ? Strategy.NO_SHARD : Strategy.FULL_SHARD)
            .withExchanged(many.plan().exchanged());
    Case one = new Case(plan, 1, many.ranks() * many.microBatchesEach());
    return ALONE.computeIfAbsent(one, ShardingEqualityTest::train);
  }

  /** All losses in the order of the micro-batches, and the gradient's norm behind each step's. */
  private static List<Float> train(Case how) {
    Task task = Task.of(how.ranks() * how.microBatchesEach());
    List<List<Float>> told =
        InProcessRanks.run(
            how.ranks(),
            group -> {
              try (TinyTraining training = new TinyTraining(group, how.plan(), task)) {
                return training.train(STEPS);
              }
            });
    return TinyTraining.merged(told, task, STEPS);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void trainsAsOneRankDoes(Case many) {
    List<Float> expected = alone(many);
    List<Float> actual = train(many);
    if (many.hasTheOrderOfOneRank()) {
      assertThat(actual).isEqualTo(expected);
      return;
    }
    assertThat(actual).hasSameSizeAs(expected);
    double relative = many.plan().exchanged() == DType.F32 ? 1e-5 : 0.02;
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i).doubleValue())
          .as("number %d", i)
          .isCloseTo(expected.get(i), within(relative * Math.abs(expected.get(i))));
    }
  }
}
