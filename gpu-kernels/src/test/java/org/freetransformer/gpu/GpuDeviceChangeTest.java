package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.data.Dataset;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.Trainer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run goes on from its checkpoint on another kind of device, and back, as if it had stayed. */
class GpuDeviceChangeTest {
  private static final int STEPS = 2;

  @TempDir private Path temporary;

  /** Losses of the next steps; from a checkpoint, if there is one. */
  private Checkpoint train(
      Device device, @Nullable Checkpoint from, String folder, List<Double> losses)
      throws IOException {
    RunConfig config = GpuTrainingTest.config(training -> training);
    try (Engine engine = Engine.on(device);
        Trainer trainer = new Trainer(engine, config, Dataset.open(config.data(), _ -> {}))) {
      if (from != null) {
        trainer.restore(from);
      }
      for (int i = 0; i < STEPS; i++) {
        losses.add(trainer.next().loss());
      }
      return trainer.save(new CheckpointFolder(temporary.resolve(folder)), OptionalDouble.empty());
    }
  }

  @Test
  void theCurveIsTheSame() throws IOException {
    List<Double> stayed = new ArrayList<>();
    Checkpoint first = train(Devices.cpu(1), null, "cpu", stayed);
    List<Double> moved = new ArrayList<>(stayed);
    Checkpoint second = train(Devices.cpu(1), first, "cpu", stayed);
    train(Devices.cpu(1), second, "cpu", stayed);

    TornadoVmDevice gpu = TornadoVm.open();
    Checkpoint away = train(gpu, first, "moved", moved);
    assertThat(gpu.traffic().plans()).as("plans run on the other device").isPositive();
    train(Devices.cpu(1), away, "moved", moved);

    assertThat(stayed).hasSize(3 * STEPS);
    assertThat(moved).hasSize(3 * STEPS);
    for (int i = 0; i < moved.size(); i++) {
      assertThat(moved.get(i)).as("loss of step %d", i + 1).isCloseTo(stayed.get(i), within(1e-3));
    }
  }
}
