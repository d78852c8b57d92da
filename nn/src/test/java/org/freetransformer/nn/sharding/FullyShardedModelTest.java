package org.freetransformer.nn.sharding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.freetransformer.nn.sharding.TinyTraining.Task;
import org.freetransformer.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class FullyShardedModelTest {
  /** Divided by 1, 2, 3 and 4. */
  private static final int MICRO_BATCHES = 12;

  /** How one rank trains that knows nothing of sharding. */
  private static List<Float> unsharded(Task task, int steps) {
    try (ProcessGroup alone = ProcessGroup.alone();
        TinyTraining training = new TinyTraining(alone, null, task)) {
      return training.train(steps);
    }
  }

  /** Losses in the order of the micro-batches, and the norm behind those of each step. */
  private static List<Float> sharded(ShardingPlan plan, int ranks, Task task, int steps) {
    List<List<Float>> told =
        InProcessRanks.run(
            ranks,
            group -> {
              try (TinyTraining training = new TinyTraining(group, plan, task)) {
                return training.train(steps);
              }
            });
    return TinyTraining.merged(told, task, steps);
  }

  private static void assertClose(List<Float> actual, List<Float> expected, double relative) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      double allowed = relative * Math.abs(expected.get(i));
      assertThat(actual.get(i).doubleValue())
          .as("number %d", i)
          .isCloseTo(expected.get(i), within(allowed));
    }
  }

  static List<ShardingPlan> plans() {
    List<ShardingPlan> plans = new ArrayList<>();
    for (Strategy strategy : Strategy.values()) {
      for (boolean every : new boolean[] {true, false}) {
        plans.add(ShardingPlan.of(strategy).withReduceEveryMicroBatch(every));
      }
    }
    return plans;
  }

  @ParameterizedTest
  @MethodSource("plans")
  void trainsAsOneRankDoes(ShardingPlan plan) {
    List<Float> expected = unsharded(Task.of(MICRO_BATCHES), 4);
    for (int ranks = 1; ranks <= 4; ranks++) {
      ShardingPlan fitting = plan.withNodeRanks(ranks % 2 == 0 ? 2 : 1);
      assertClose(sharded(fitting, ranks, Task.of(MICRO_BATCHES), 4), expected, 1e-5);
    }
  }

  /** Gradients that are added up in another order than one rank's, and how far that carries. */
  static List<ShardingPlan> plansOfAnotherOrder() {
    return List.of(
        ShardingPlan.of(Strategy.HYBRID_SHARD).withNodeRanks(2),
        ShardingPlan.of(Strategy.HYBRID_SHARD).withNodeRanks(2).withReduceEveryMicroBatch(false),
        ShardingPlan.of(Strategy.NO_SHARD).withReduceEveryMicroBatch(false),
        ShardingPlan.of(Strategy.FULL_SHARD).withReduceEveryMicroBatch(false));
  }

  @ParameterizedTest
  @MethodSource("plansOfAnotherOrder")
  void staysWithOneRankForTwoHundredSteps(ShardingPlan plan) {
    Task task = Task.of(8);
    List<Float> alone = sharded(ShardingPlan.DEFAULT, 1, task, 200);
    List<Float> many = sharded(plan, 4, task, 200);
    assertThat(many).isNotEqualTo(alone);
    assertClose(many, alone, 1e-5);
  }

  /** Sums that are rounded to bf16 on their way, where one rank's terms are. */
  @ParameterizedTest
  @MethodSource("plansOfAnotherOrder")
  void staysNearOneRankForTwoHundredStepsInBrainFloats(ShardingPlan plan) {
    Strategy same = plan.strategy() == Strategy.NO_SHARD ? Strategy.NO_SHARD : Strategy.FULL_SHARD;
    Task task = Task.of(8);
    List<Float> alone = sharded(ShardingPlan.of(same).withExchanged(DType.BF16), 1, task, 200);
    assertClose(sharded(plan.withExchanged(DType.BF16), 4, task, 200), alone, 0.05);
  }

  /** Micro-batches are added up one after the other in the same order, whoever computes them. */
  @ParameterizedTest
  @EnumSource
  void theNumberOfRanksDoesNotShowInTheBits(Strategy strategy) {
    Task task = Task.of(MICRO_BATCHES);
    List<Float> alone = sharded(ShardingPlan.DEFAULT, 1, task, 4);
    for (int ranks = 1; ranks <= 4; ranks++) {
      ShardingPlan plan = ShardingPlan.of(strategy).withNodeRanks(ranks);
      assertThat(sharded(plan, ranks, task, 4)).isEqualTo(alone);
    }
  }

  @Test
  void unitsOfAnySizeTrainAlike() {
    Task task = Task.of(3);
    List<Float> byBlock = sharded(ShardingPlan.DEFAULT, 3, task, 6);
    for (Wrapping wrapping : List.of(Wrapping.bySize(1), Wrapping.bySize(600))) {
      assertThat(sharded(ShardingPlan.DEFAULT.withWrapping(wrapping), 3, task, 6))
          .isEqualTo(byBlock);
    }
  }

  @ParameterizedTest
  @MethodSource("plans")
  void narrowNumbersOnTheWayChangeLittle(ShardingPlan plan) {
    for (int ranks : new int[] {2, 3}) {
      ShardingPlan narrow = plan.withExchanged(DType.BF16).withNodeRanks(ranks % 2 == 0 ? 2 : 1);
      List<Float> losses = sharded(narrow, ranks, Task.of(MICRO_BATCHES), 2);
      assertClose(losses, unsharded(Task.of(MICRO_BATCHES), 2), 0.05);
    }
  }

  @Test
  void frozenParametersStayAndNeedNoGradient() {
    Task task = new Task(4, true, true);
    List<Float> expected = unsharded(task, 5);
    assertThat(expected).isNotEqualTo(unsharded(Task.of(4), 5));
    for (int ranks : new int[] {1, 2, 4}) {
      assertClose(sharded(ShardingPlan.DEFAULT, ranks, task, 5), expected, 1e-5);
      ShardingPlan copies = ShardingPlan.of(Strategy.NO_SHARD);
      assertClose(sharded(copies, ranks, task, 5), expected, 1e-5);
    }
  }

  @ParameterizedTest
  @MethodSource("plans")
  void aRankHoldsItsShareOfTheState(ShardingPlan plan) {
    int ranks = 4;
    List<Map<String, Long>> bytes =
        InProcessRanks.run(
            ranks,
            group -> {
              try (TinyTraining training =
                  new TinyTraining(group, plan.withNodeRanks(2), Task.of(ranks))) {
                training.train(1);
                return training.engine.device().memory().liveBytesByOwner();
              }
            });
    long parameters = 4L * parameterCount();
    int parts =
        switch (plan.strategy()) {
          case NO_SHARD -> 1;
          case HYBRID_SHARD -> 2;
          default -> ranks;
        };
    // A unit is cut at cache lines: at most one is lost per parameter and per unit and rank.
    long padding = 64L * (3 * 9 + 2 + 5);
    for (Map<String, Long> rank : bytes) {
      assertThat(rank.get("parameters")).isLessThanOrEqualTo(parameters / parts + padding);
      assertThat(rank.get("moments")).isLessThanOrEqualTo(2 * parameters / parts + 2 * padding);
      boolean whole = !plan.reduceEveryMicroBatch() && parts > 1;
      assertThat(rank.get("gradients"))
          .isLessThanOrEqualTo(parameters / parts + (whole ? parameters + padding : 0) + padding);
    }
  }

  /** Two units whole, and two gradients: as much as the largest unit's state. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void onTopOfItsShareARankNeedsTheLargestUnit(int ranks) {
    long unsharded;
    try (ProcessGroup alone = ProcessGroup.alone();
        TinyTraining training = new TinyTraining(alone, null, Task.of(ranks))) {
      unsharded = training.microStep.arenaBytes();
    }
    InProcessRanks.run(
        ranks,
        group -> {
          try (TinyTraining training =
              new TinyTraining(group, ShardingPlan.DEFAULT, Task.of(ranks))) {
            long unit = 4 * training.sharded().largestUnit();
            assertThat(training.microStep.arenaBytes()).isLessThanOrEqualTo(unsharded + 4 * unit);
          }
          return 0;
        });
  }

  private static long parameterCount() {
    try (ProcessGroup alone = ProcessGroup.alone();
        TinyTraining training = new TinyTraining(alone, null, Task.of(1))) {
      return training.model.parameterCount();
    }
  }

  @Test
  void unitsFollowTheWrapping() {
    assertThat(unitNames(Wrapping.BY_BLOCK))
        .containsExactly("embedding", "blocks.0", "blocks.1", "blocks.2", "root");
    assertThat(unitNames((_, _) -> false)).containsExactly("root");
    assertThat(unitNames(Wrapping.bySize(600)))
        .containsExactly("blocks.0.ffn", "blocks.1.ffn", "blocks.2.ffn", "root");
  }

  private static List<String> unitNames(Wrapping wrapping) {
    try (ProcessGroup alone = ProcessGroup.alone();
        TinyTraining training =
            new TinyTraining(alone, ShardingPlan.DEFAULT.withWrapping(wrapping), Task.of(1))) {
      return training.sharded().unitNames();
    }
  }

  @Test
  void refusesNodesThatDoNotMakeUpTheGroup() {
    ShardingPlan nodes = ShardingPlan.of(Strategy.HYBRID_SHARD).withNodeRanks(2);
    try (ProcessGroup alone = ProcessGroup.alone()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new TinyTraining(alone, nodes, Task.of(1)))
          .withMessageContaining("1 ranks cannot be nodes of 2");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ShardingPlan.DEFAULT.withExchanged(DType.F16))
        .withMessageContaining("allowed are F32 and BF16");
  }
}
