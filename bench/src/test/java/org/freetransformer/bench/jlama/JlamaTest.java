package org.freetransformer.bench.jlama;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.freetransformer.bench.suite.LlamaFolder;
import org.freetransformer.checkpoint.HuggingFaceFolder;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.TensorType;
import org.freetransformer.generate.IncrementalDecoder;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.junit.jupiter.api.Test;

/** Without these, being faster than Jlama would mean nothing. */
class JlamaTest {
  private static final int THREADS = Math.min(2, Runtime.getRuntime().availableProcessors());
  private static final int PROMPT = 20;
  private static final int STEPS = 12;

  private static ModelConfig model(int kvHeads) {
    return ModelConfig.builder()
        .kind(ModelConfig.Kind.BASELINE)
        .vocabSize(512)
        .hiddenDim(128)
        .numLayers(3)
        .numHeads(4)
        .numKvHeads(kvHeads)
        .ffnHiddenDim(256)
        .maxSeqLen(PROMPT + STEPS)
        .tieEmbeddings(false)
        .build();
  }

  @Test
  void continuesAPromptWithTheSameLogitsAndTokens() {
    compare(model(4), TensorType.F32, 2e-5);
    compare(model(2), TensorType.F32, 2e-5);
  }

  /** Jlama rounds activations to bf16 where weights are bf16; ours stay f32. */
  @Test
  void withBf16WeightsItComesCloseToOurs() {
    compare(model(4), TensorType.BF16, 0.03);
  }

  private static void compare(ModelConfig config, TensorType type, double tolerance) {
    int[] prompt = new SplittableRandom(1).ints(PROMPT, 0, config.vocabSize()).toArray();
    try (LlamaFolder folder = LlamaFolder.random(config, type);
        HuggingFaceFolder store = HuggingFaceFolder.open(folder.path());
        Engine engine = Engine.on(Devices.cpu(THREADS));
        LanguageModel model = ModelFile.load(engine, store);
        IncrementalDecoder ours = new IncrementalDecoder(model, 1, config.maxSeqLen());
        Jlama theirs = Jlama.load(folder.path(), config, THREADS)) {
      float[] logits = ours.prompt(List.of(prompt), null).logits()[0];
      int token = theirs.prompt(prompt);
      for (int i = 0; i < STEPS; i++) {
        assertThat(theirs.logits())
            .as("%s, step %d", type, i)
            .containsExactly(logits, Offset.offset((float) tolerance));
        if (type == TensorType.F32) {
          assertThat(token).isEqualTo(largest(logits));
        }
        logits = ours.next(new int[] {token}, new int[1])[0];
        token = theirs.next(token, PROMPT + i);
      }
    }
  }

  private static int largest(float[] logits) {
    int best = 0;
    for (int v = 1; v < logits.length; v++) {
      best = logits[v] > logits[best] ? v : best;
    }
    return best;
  }
}
