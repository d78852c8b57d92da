package org.freetransformer.bench.suite;

import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.freetransformer.generate.IncrementalDecoder;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.ExampleRandom;
import org.freetransformer.tensor.Shape;

/**
 * A model that reads a prompt, then the same place's token again and again; a Free Transformer each
 * time to another plan.
 */
final class Decoding implements AutoCloseable {
  /** Odd, so that all plans have their turn. */
  private static final int PLANS_APART = 7919;

  private final Engine engine;
  private final LanguageModel model;
  private final int[] prompt;
  private final int[] next;
  private final int[] nextPlans;
  private final boolean inferred;
  private IncrementalDecoder decoder;
  private float[] prompted;

  /**
   * Reads the prompt.
   *
   * @param model on this engine; both are closed with this
   * @param rows that all read the same
   * @param held tokens of the prompt, at least one less than the model's positions
   */
  Decoding(Engine engine, LanguageModel model, int rows, int held) {
    this(engine, model, rows, held, false);
  }

  /**
   * Reads the prompt.
   *
   * @param model on this engine; both are closed with this
   * @param rows that all read the same
   * @param held tokens of the prompt, at least one less than the model's positions
   * @param inferred whether the encoder infers the prompt's plans; if not, they are given
   */
  Decoding(Engine engine, LanguageModel model, int rows, int held, boolean inferred) {
    this.engine = engine;
    this.model = model;
    prompt = new SplittableRandom(6).ints(held, 0, model.config().vocabSize()).toArray();
    next = new int[rows];
    nextPlans = new int[rows];
    this.inferred = inferred;
    decoder = new IncrementalDecoder(model, rows, model.config().maxSeqLen());
    prompted = read(decoder);
  }

  private float[] read(IncrementalDecoder fresh) {
    List<int[]> prompts = Collections.nCopies(next.length, prompt);
    if (inferred) {
      return fresh.promptInferred(prompts, new ExampleRandom(6, "bench"), false).logits()[0];
    }
    boolean planned = model.config().kind() == ModelConfig.Kind.FREE;
    return fresh.prompt(prompts, planned ? new int[next.length][prompt.length] : null).logits()[0];
  }

  Engine engine() {
    return engine;
  }

  /** The tokens that every row reads first. */
  int[] prompt() {
    return prompt.clone();
  }

  /** Logits of the first row's token behind the prompt, [V]. */
  float[] prompted() {
    return prompted.clone();
  }

  void step() {
    for (int b = 0; b < next.length; b++) {
      next[b] = (next[b] + 1) % model.config().vocabSize();
      nextPlans[b] = (nextPlans[b] + PLANS_APART) % (1 << model.config().latentDim());
      decoder.truncate(b, prompt.length);
    }
    decoder.next(next, nextPlans);
  }

  void readPrompt() {
    decoder.close();
    decoder = new IncrementalDecoder(model, next.length, model.config().maxSeqLen());
    prompted = read(decoder);
  }

  /** All weights but the token embedding, of which a step reads a few rows; keys and values. */
  long bytesOfStep() {
    ModelConfig config = model.config();
    long held = (long) next.length * (prompt.length + 1) * config.numKvHeads() * config.headDim();
    long bytes = 2 * held * config.numLayers() * Float.BYTES;
    for (Parameter parameter : model.parameters().values()) {
      bytes += parameter.size() * parameter.value().dtype().bytes();
    }
    return bytes - (long) config.vocabSize() * config.hiddenDim() * Float.BYTES;
  }

  /** Numbers in matrices that every token of a prompt meets: not the output's. */
  long linearWeights() {
    Shape table = Shape.of(model.config().vocabSize(), model.config().hiddenDim());
    return model.parameters().values().stream()
        .filter(parameter -> parameter.value().shape().rank() == 2)
        .filter(parameter -> !parameter.value().shape().equals(table))
        .mapToLong(Parameter::size)
        .sum();
  }

  @Override
  public void close() {
    decoder.close();
    model.close();
    engine.close();
  }
}
