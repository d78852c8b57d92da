package org.freetransformer.nn.sharding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.freetransformer.nn.sharding.TinyTraining.Task;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Two engines: one computes with whole units, the other keeps and updates the parts. */
class OffloadTest {
  private static final int STEPS = 3;

  static List<ShardingPlan> plans() {
    List<ShardingPlan> plans = new ArrayList<>();
    for (Strategy strategy :
        List.of(Strategy.FULL_SHARD, Strategy.SHARD_GRAD_OP, Strategy.HYBRID_SHARD)) {
      for (DType type : List.of(DType.F32, DType.BF16)) {
        for (boolean every : new boolean[] {true, false}) {
          plans.add(ShardingPlan.of(strategy).withExchanged(type).withReduceEveryMicroBatch(every));
        }
      }
    }
    return plans;
  }

  private static List<Float> train(ShardingPlan plan, int ranks, Task task, boolean offloaded) {
    List<List<Float>> told =
        InProcessRanks.run(
            ranks,
            group -> {
              try (TinyTraining training = new TinyTraining(group, plan, task, offloaded)) {
                return training.train(STEPS);
              }
            });
    return TinyTraining.merged(told, task, STEPS);
  }

  @ParameterizedTest
  @MethodSource("plans")
  void trainsToTheSameBits(ShardingPlan plan) {
    for (Task task : List.of(Task.of(12), new Task(12, false, true))) {
      for (int ranks = 1; ranks <= 4; ranks++) {
        ShardingPlan fitting = plan.withNodeRanks(ranks % 2 == 0 ? 2 : 1);
        assertThat(train(fitting, ranks, task, true))
            .as("%d ranks", ranks)
            .isEqualTo(train(fitting, ranks, task, false));
      }
    }
  }

  private static Map<String, Long> live(Engine engine) {
    return engine.device().memory().liveBytesByOwner();
  }

  private static long bytes(Map<String, Long> live, String owner) {
    return live.getOrDefault(owner, 0L);
  }

  /** The device has the program's memory alone, as much as without offloading. */
  @ParameterizedTest
  @MethodSource("plans")
  void theOtherEngineHoldsTheState(ShardingPlan plan) {
    int ranks = 2;
    InProcessRanks.run(
        ranks,
        group -> {
          ShardingPlan fitting = plan.withNodeRanks(2);
          try (TinyTraining usual = new TinyTraining(group, fitting, Task.of(ranks));
              TinyTraining offloaded = new TinyTraining(group, fitting, Task.of(ranks), true)) {
            usual.train(1);
            offloaded.train(1);
            Map<String, Long> together = live(usual.engine);
            Map<String, Long> device = live(offloaded.engine);
            Map<String, Long> host = live(offloaded.host);
            for (String owner : List.of("parameters", "moments", "optimizer")) {
              assertThat(device).as("on the device").doesNotContainKey(owner);
              assertThat(host).as("on the host").containsEntry(owner, together.get(owner));
            }
            assertThat(host.get("gradients")).isEqualTo(host.get("parameters"));
            long gradients = bytes(host, "gradients");
            assertThat(bytes(device, "gradients"))
                .as("whole gradients")
                .isEqualTo(
                    plan.reduceEveryMicroBatch() ? 0 : bytes(together, "gradients") - gradients);
            long state = bytes(host, "parameters") + gradients + bytes(host, "moments");
            assertThat(offloaded.engine.device().memory().peakBytes())
                .as("most bytes on the device")
                .isLessThanOrEqualTo(usual.engine.device().memory().peakBytes() - state);
          }
          return 0;
        });
  }

  @Test
  void needsAPlanThatSplits() {
    try (ProcessGroup alone = ProcessGroup.alone()) {
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> new TinyTraining(alone, ShardingPlan.of(Strategy.NO_SHARD), Task.of(1), true))
          .withMessageContaining("no other can keep them");
    }
  }
}
