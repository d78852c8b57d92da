package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.freetransformer.bench.libtorch.TorchLlama;
import org.freetransformer.bench.libtorch.TorchOps;
import org.freetransformer.bench.libtorch.TorchTrainingStep;
import org.freetransformer.data.Batch;
import org.freetransformer.model.Baseline;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.tensor.Engine;
import org.freetransformer.train.TrainingConfig;
import org.freetransformer.train.TrainingStep;

/**
 * A whole training step of the baseline, forward, backward, clipping and AdamW: ours is the
 * recorded step of the trainer, libtorch's the same operations one by one. The limit does the
 * step's useful floating-point operations and nothing else.
 */
final class StepSuite implements Suite {
  /**
   * A model and a batch.
   *
   * @param width D
   * @param heads of queries, keys and values
   * @param inner F
   * @param layers L
   * @param vocabulary V, with one matrix for embedding and output
   * @param batch B
   * @param length T
   */
  private record Case(
      String name,
      int width,
      int heads,
      int inner,
      int layers,
      int vocabulary,
      int batch,
      int length) {
    int tokens() {
      return batch * length;
    }
  }

  private static final List<Case> CASES =
      List.of(
          new Case("Llama 2.6M, B 4, T 128", 256, 4, 688, 2, 4096, 4, 128),
          new Case("Llama 16.8M, B 4, T 256", 512, 8, 1376, 4, 8192, 4, 256));

  /** A step of this is too long for the processor's suite. */
  private static final Case LARGE =
      new Case("Llama 124M, B 1, T 256", 768, 12, 2048, 12, 50257, 1, 256);

  private static final double LEARNING_RATE = 1e-4;

  /**
   * Floating-point operations of a step that nothing could spare: multiply-adds with each matrix in
   * three products, and attention's six over half the pairs.
   *
   * @param model a baseline with as many key heads as heads, and one matrix for embedding and
   *     output
   * @param batch sequences of the model's longest
   */
  static double usefulFlops(ModelConfig model, int batch) {
    double width = model.hiddenDim();
    double length = model.maxSeqLen();
    double block = 4 * width * width + 3 * width * model.ffnHiddenDim();
    double matrices = model.numLayers() * block + model.vocabSize() * width;
    double attention = 6 * model.numLayers() * batch * width * length * (length + 1);
    return 6 * matrices * batch * length + attention;
  }

  @Override
  public String name() {
    return "step";
  }

  @Override
  public List<String> cases() {
    return CASES.stream().map(Case::name).toList();
  }

  @Override
  public List<String> quickCases() {
    return cases();
  }

  @Override
  public Contest open(String name, Place place) {
    Case model = named(name);
    int[] tokens = new SplittableRandom(4).ints(model.tokens(), 0, model.vocabulary()).toArray();
    int[] targets = new SplittableRandom(5).ints(model.tokens(), 0, model.vocabulary()).toArray();
    OurStep ours = new OurStep(model, place, tokens, targets);
    Peer peer = peer(model, place, ours.model, tokens, targets);
    Limit limit =
        Limit.arithmetic(usefulFlops(ours.model.config(), model.batch()), ours.engine, place);
    return new Contest(
        model.tokens(),
        Unit.TOKENS,
        ours::run,
        peer.orNull(),
        null,
        limit.call(),
        0,
        List.of(ours::close, peer::close, limit.closing()));
  }

  private static Case named(String name) {
    return Stream.concat(CASES.stream(), Stream.of(LARGE))
        .filter(one -> one.name().equals(name))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException("no case of suite step is named '%s'".formatted(name)));
  }

  /** D, heads, F, L, V, B and T. */
  static int[] sizes(String name) {
    Case model = named(name);
    return new int[] {
      model.width(),
      model.heads(),
      model.inner(),
      model.layers(),
      model.vocabulary(),
      model.batch(),
      model.length()
    };
  }

  private static Peer peer(Case model, Place place, Baseline source, int[] tokens, int[] targets) {
    return Peer.of(
        place,
        manager -> {
          TorchLlama.Config config =
              new TorchLlama.Config(
                  model.layers(),
                  model.heads(),
                  model.heads(),
                  model.width() / model.heads(),
                  source.config().normEps(),
                  model.length());
          TorchTrainingStep step =
              new TorchTrainingStep(
                  manager, TorchLlama.copyOf(manager, config, source.parameters()), model.tokens());
          NDArray in = TorchOps.indices(manager, tokens, model.batch(), model.length());
          NDArray next = TorchOps.indices(manager, targets, model.tokens(), 1);
          return Peer.scoped(() -> step.run(in, next, LEARNING_RATE));
        });
  }

  /** The trainer's own step. */
  private static final class OurStep implements AutoCloseable {
    private final Engine engine;
    private final Baseline model;
    private final AdamW optimizer;
    private final TrainingStep step;
    private final List<Batch> batches;
    private long number;

    OurStep(Case shape, Place place, int[] tokens, int[] targets) {
      engine = place.engine();
      ModelConfig config =
          ModelConfig.builder()
              .kind(ModelConfig.Kind.BASELINE)
              .vocabSize(shape.vocabulary())
              .hiddenDim(shape.width())
              .numLayers(shape.layers())
              .numHeads(shape.heads())
              .numKvHeads(shape.heads())
              .ffnHiddenDim(shape.inner())
              .maxSeqLen(shape.length())
              .tieEmbeddings(true)
              .build();
      model = new Baseline(engine, config);
      optimizer = new AdamW(engine, model.parameters(), new AdamW.Config(0.9, 0.95, 1e-8, 0.1));
      TrainingConfig training =
          TrainingConfig.builder().batchSize(shape.batch()).gradClip(1).build();
      step = new TrainingStep(model, optimizer, training, shape.length());
      batches = List.of(new Batch(tokens, targets, shape.batch(), shape.length()));
    }

    void run() {
      number++;
      step.run(number, LEARNING_RATE, batches, 0);
    }

    @Override
    public void close() {
      step.close();
      optimizer.close();
      model.parameters().values().forEach(Parameter::close);
      engine.close();
    }
  }
}
