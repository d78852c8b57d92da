package org.freetransformer.bench.suite;

import java.util.Collections;
import java.util.SplittableRandom;
import org.freetransformer.generate.IncrementalDecoder;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;

/** A model that reads a prompt, then the same place's token again and again. */
final class Decoding implements AutoCloseable {
  private final Engine engine;
  private final LanguageModel model;
  private final int[] prompt;
  private final int[] next;
  private final int[] noPlans;
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
    this.engine = engine;
    this.model = model;
    prompt = new SplittableRandom(6).ints(held, 0, model.config().vocabSize()).toArray();
    next = new int[rows];
    noPlans = new int[rows];
    decoder = new IncrementalDecoder(model, rows, model.config().maxSeqLen());
    prompted = read(decoder);
  }

  private float[] read(IncrementalDecoder fresh) {
    return fresh.prompt(Collections.nCopies(next.length, prompt), null).logits()[0];
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
      decoder.truncate(b, prompt.length);
    }
    decoder.next(next, noPlans);
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
