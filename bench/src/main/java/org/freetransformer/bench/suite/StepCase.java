package org.freetransformer.bench.suite;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.freetransformer.bench.libtorch.TorchLlama;
import org.freetransformer.data.Batch;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.Ranks;
import org.freetransformer.train.TrainingConfig;

/**
 * A model and a batch of the suite {@code step}.
 *
 * @param width D
 * @param heads of queries, keys and values
 * @param inner F
 * @param layers L
 * @param vocabulary V, with one matrix for embedding and output
 * @param batch B
 * @param length T
 */
record StepCase(
    String name,
    int width,
    int heads,
    int inner,
    int layers,
    int vocabulary,
    int batch,
    int length) {
  /** Those of the processor's suite. */
  static final List<StepCase> ALL =
      List.of(
          new StepCase("Llama 2.6M, B 4, T 128", 256, 4, 688, 2, 4096, 4, 128),
          new StepCase("Llama 16.8M, B 4, T 256", 512, 8, 1376, 4, 8192, 4, 256));

  /** A step of the first is too long for the processor's suite, of the second too short. */
  private static final List<StepCase> OTHERS =
      List.of(
          new StepCase("Llama 124M, B 1, T 256", 768, 12, 2048, 12, 50257, 1, 256),
          new StepCase("Llama 0.1M, B 2, T 32", 64, 2, 96, 1, 512, 2, 32));

  static StepCase named(String name) {
    return Stream.concat(ALL.stream(), OTHERS.stream())
        .filter(one -> one.name().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException("no case of suite step is named '%s'".formatted(name)));
  }

  ModelConfig config() {
    return ModelConfig.builder()
        .kind(ModelConfig.Kind.BASELINE)
        .vocabSize(vocabulary)
        .hiddenDim(width)
        .numLayers(layers)
        .numHeads(heads)
        .numKvHeads(heads)
        .ffnHiddenDim(inner)
        .maxSeqLen(length)
        .tieEmbeddings(true)
        .build();
  }

  /** What libtorch's side is told of {@link #config}. */
  TorchLlama.Config torch() {
    return new TorchLlama.Config(layers, heads, heads, width / heads, config().normEps(), length);
  }

  /** The batch that every side trains on, [B·T]. */
  int[] inputs() {
    return new SplittableRandom(4).ints(tokens(), 0, vocabulary).toArray();
  }

  /** What follows each of {@link #inputs}, [B·T]. */
  int[] targets() {
    return new SplittableRandom(5).ints(tokens(), 0, vocabulary).toArray();
  }

  /** The trainer's step on this batch. */
  TrainerStep ours(Engine engine) {
    TrainingConfig training = TrainingConfig.builder().batchSize(batch).gradClip(1).build();
    Batch data = new Batch(inputs(), targets(), batch, length);
    return new TrainerStep(engine, config(), training, data, Ranks.ONE);
  }

  int tokens() {
    return batch * length;
  }
}
