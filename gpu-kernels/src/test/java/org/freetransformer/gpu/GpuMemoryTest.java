package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.sharding.Strategy;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.ShardingConfig;
import org.freetransformer.train.Trainer;
import org.freetransformer.train.TrainingConfig;
import org.junit.jupiter.api.Test;

/** A device with too little memory for a model, its gradients and moments. */
class GpuMemoryTest {
  /** Bytes for f32: more than the activations take, less than these and what is trained. */
  private static final long MEMORY = 4L << 20;

  /** A model whose parameters take more than its activations. */
  private static RunConfig config(boolean offload) {
    ModelConfig model =
        ModelConfig.builder()
            .vocabSize(29)
            .hiddenDim(64)
            .numLayers(4)
            .numHeads(2)
            .numKvHeads(1)
            .ffnHiddenDim(192)
            .maxSeqLen(66)
            .latentDim(4)
            .build();
    ShardingConfig sharding =
        new ShardingConfig(
            true, Strategy.FULL_SHARD, 0, ShardingConfig.Exchange.FP32, true, 1, offload);
    TrainingConfig training = TrainingConfig.builder().batchSize(1).sharding(sharding).build();
    return new RunConfig(model, training, DataConfig.planLetters(1));
  }

  /** Loss of the first step. */
  private static double train(Device device, boolean offload) {
    RunConfig config = config(offload);
    try (Engine engine = Engine.on(device);
        Engine host = Engine.on(Devices.cpu(1));
        Dataset data = Dataset.open(config.data(), _ -> {});
        Trainer trainer = new Trainer(engine, host, config, data, Ranks.ONE)) {
      return trainer.next().loss();
    }
  }

  @Test
  void trainsWhatDoesNotFitIfTheHostKeepsIt() {
    TornadoVmDevice tooSmall = TornadoVm.open(MEMORY);
    assertThatThrownBy(() -> train(tooSmall, false))
        .isInstanceOf(OutOfMemoryError.class)
        .hasMessageContaining("heap of f32 has %d bytes", MEMORY)
        .hasMessageContaining("raise -Dft.gpu.memory");
    assertThat(tooSmall.traffic()).as("nothing ran").isEqualTo(Traffic.NONE);
    double expected = train(Devices.cpu(1), false);
    assertThat(train(TornadoVm.open(MEMORY), true)).isCloseTo(expected, within(1e-4));
  }

  /** The heaps are the largest thing of a process, and nobody has a device to close. */
  @Test
  void aDeviceThatDoesNotOpenKeepsNoMemory() throws IOException {
    Path status = Path.of("/proc/self/status");
    assumeTrue(Files.exists(status), "this system does not say what memory a process has");
    CuBlas not = CuBlas.not("in this test");
    long before = residentBytes(status);
    for (int i = 0; i < 8; i++) {
      assertThatThrownBy(
              () -> new TornadoVmDevice("none", null, 0, 64 << 20, TensorCores.all("not"), not))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(residentBytes(status) - before).isLessThan(256 << 20);
  }

  private static long residentBytes(Path status) throws IOException {
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
      }
    }
    throw new IllegalStateException("no VmRSS in " + status);
  }

  @Test
  void aProgramThatDoesNotFitTakesNothing() {
    TornadoVmDevice device = TornadoVm.open();
    try (Engine engine = Engine.on(device)) {
      // 3.5 of the 4 MiB that there are for whole numbers.
      Tensor most = engine.allocate("test", DType.I32, Shape.of(7 << 17));
      Tensor x = engine.allocate("test", DType.F32, Shape.of(1 << 18));
      long before = device.memory().liveBytes();
      Supplier<List<Tensor>> body = () -> List.of(x.add(3).to(DType.I32).to(DType.F32));
      assertThatThrownBy(() -> Program.record(engine, body))
          .isInstanceOf(OutOfMemoryError.class)
          .hasMessageContaining("heap of i32");
      assertThat(device.memory().liveBytes()).isEqualTo(before);
      most.close();
      try (Program program = Program.record(engine, body)) {
        program.run();
        assertThat(program.outputs().getFirst().toFloats()).containsOnly(3);
      }
      x.close();
    }
  }
}
