package org.freetransformer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import org.assertj.core.data.Offset;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.data.Batch;
import org.freetransformer.eval.BatchTensors;
import org.freetransformer.eval.Objective;
import org.freetransformer.model.Baseline;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.VaeLoss;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Checkpoints that the original repository's own code trained for 60 steps, saved, and evaluated,
 * on PyTorch 1.13.1: the numbers in {@code seed/*.json} are what its loss functions gave.
 */
final class SeedCheckpointTest {
  private static final Offset<Double> CLOSE = within(1e-4);

  @TempDir private Path folder;

  private final Engine engine = Engine.on(Devices.scalar());

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private SeedCheckpoint open(String name) {
    Resources.copy(folder, "seed/" + name + ".pt");
    return SeedCheckpoint.open(folder.resolve(name + ".pt"));
  }

  /** What the original repository's code computed. */
  private record Expected(ConfigNode.Mapping json) {
    static Expected of(String name) {
      return new Expected(Resources.json("seed/" + name + ".json"));
    }

    double number(String key) {
      return list(key).getFirst();
    }

    List<Double> list(String key) {
      return Resources.numbers(json, key);
    }

    Batch batch() {
      int[] tokens = list("tokens").stream().mapToInt(Double::intValue).toArray();
      int[] targets = list("targets").stream().mapToInt(Double::intValue).toArray();
      return new Batch(tokens, targets, 3, 12);
    }
  }

  /** Evaluates as the original repository does: bits by threshold ½, κ = 0.1. */
  private double[] evaluate(LanguageModel model, Batch batch) {
    try (Scope _ = engine.scope("test");
        BatchTensors inputs = new BatchTensors(engine, batch.size(), batch.length());
        Objective objective = new Objective(engine)) {
      inputs.set(batch);
      objective.set(36, 36, 0.1, 1);
      VaeLoss.Terms terms = objective.of(model, inputs, true);
      Tensor kl = terms.kl();
      return new double[] {
        terms.loss().item(), terms.reconstruction().item() / 36, kl == null ? 0 : kl.item() / 36
      };
    }
  }

  @Test
  void freeTransformerHasTheSeedsLossAndKl() throws IOException {
    Expected expected = Expected.of("free");
    try (SeedCheckpoint file = open("free");
        LanguageModel model = ModelFile.load(engine, file)) {
      double[] found = evaluate(model, expected.batch());
      assertThat(found[1]).isCloseTo(expected.number("reconstruction"), CLOSE);
      assertThat(found[2]).isCloseTo(expected.number("kl"), CLOSE);
      double excess = expected.number("kl_over_tenth");
      assertThat(excess).isGreaterThan(0.01);
      assertThat(found[0]).isCloseTo(expected.number("reconstruction") + excess, CLOSE);
    }
  }

  @Test
  void baselineHasTheSeedsLossAndLogits() throws IOException {
    Expected expected = Expected.of("baseline");
    try (SeedCheckpoint file = open("baseline");
        LanguageModel model = ModelFile.load(engine, file)) {
      Batch batch = expected.batch();
      assertThat(evaluate(model, batch)[0]).isCloseTo(expected.number("loss"), CLOSE);
      try (Scope _ = engine.scope("test");
          BatchTensors inputs = new BatchTensors(engine, 3, 12)) {
        inputs.set(batch);
        Tensor hidden = ((Baseline) model).hidden(inputs.tokens(), null, inputs.sequence(), null);
        float[] logits = model.logits(hidden).toFloats();
        List<Double> first = expected.list("logits_of_first_position");
        List<Double> last = expected.list("logits_of_last_position");
        for (int v = 0; v < 23; v++) {
          assertThat((double) logits[v]).isCloseTo(first.get(v), CLOSE);
          assertThat((double) logits[35 * 23 + v]).isCloseTo(last.get(v), CLOSE);
        }
      }
    }
  }

  @Test
  void tellsTheConfigurationFromTheShapes() throws IOException {
    try (SeedCheckpoint file = open("free")) {
      assertThat(ModelFile.config(file))
          .isEqualTo(
              ModelConfig.builder()
                  .vocabSize(23)
                  .hiddenDim(16)
                  .numLayers(3)
                  .splitLayer(1)
                  .numHeads(4)
                  .numKvHeads(2)
                  .ffnHiddenDim(24)
                  .maxSeqLen(12)
                  .latentDim(3)
                  .latent(
                      new ModelConfig.Latent(
                          ModelConfig.Latent.Gradient.SAMPLED,
                          false,
                          ModelConfig.Latent.PostSampler.TABLE))
                  .encoderRope(false)
                  .encoderNumKvHeads(4)
                  .build());
      assertThat(file.step()).isEqualTo(60);
      assertThat(file.tensors())
          .extracting(TensorEntry::name)
          .contains("encoder.zeta", "latent_plan.post_sampler_fc.weight")
          .doesNotContain("output.weight", "first_half_blocks.0.rope.cos_cached");
    }
  }

  @Test
  void namesWhatItLookedFor() throws IOException {
    byte[] bytes = TorchArchive.of("}X\5\0\0\0modelK\1s.").bytes(ZipEntry.STORED);
    Path other = Files.write(folder.resolve("other.pt"), bytes);
    assertThatThrownBy(() -> SeedCheckpoint.open(other))
        .isInstanceOf(CheckpointException.class)
        .hasMessageEndingWith(
            "other.pt: holds no model of the original repository: looked for the tensor"
                + " 'token_embedding.weight' in 'model_state_dict' and at the top, found 'model'");
  }

  @Test
  void aCheckpointInSafetensorsIsTheSameModel() throws IOException {
    Expected expected = Expected.of("free");
    Path converted = folder.resolve("free.safetensors");
    try (SeedCheckpoint file = open("free");
        LanguageModel model = ModelFile.load(engine, file)) {
      ModelFile.of(model, Map.of()).write(converted);
    }
    try (SafeTensors file = SafeTensors.open(converted);
        LanguageModel model = ModelFile.load(engine, file)) {
      assertThat(evaluate(model, expected.batch())[1])
          .isCloseTo(expected.number("reconstruction"), CLOSE);
    }
  }
}
