package org.freetransformer.bench.jlama;

import com.github.tjake.jlama.math.ActivationFunction;
import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.llama.LlamaConfig;
import com.github.tjake.jlama.model.llama.LlamaModel;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.tensor.operations.TensorOperationsProvider;
import com.github.tjake.jlama.util.PhysicalCoreExecutor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import jdk.incubator.vector.FloatVector;
import org.freetransformer.model.ModelConfig;

/**
 * A Llama that <a href="https://github.com/tjake/Jlama">Jlama</a> has loaded, with the keys and
 * values of one row. The model is made without a tokenizer, so that none of what Jlama needs for
 * chats is loaded.
 */
public final class Jlama implements AutoCloseable {
  static {
    // Jlama turns the Vector API's bounds checks off for its JVM, if it comes before the first use
    // of a vector. Whether they are on is for whoever starts the JVM to say.
    FloatVector.fromArray(FloatVector.SPECIES_64, new float[2], 0);
  }

  /**
   * Rows that are read at once: under Jlama's own 256, and divisible by 5. Its native product cuts
   * rows and columns by five, and leaves the corner out where both have a rest.
   */
  private static final int MOST_ROWS = 255;

  private static final float GREEDY = 0;

  private final AbstractModel model;
  private final KvBufferCache caches;
  private final KvBufferCache.KvBuffer row;
  private final AbstractTensor<?, ?> logits;
  private final int vocabSize;

  private Jlama(AbstractModel model, int vocabSize) {
    this.model = model;
    this.caches = new KvBufferCache(model);
    this.row = caches.getKvBuffer(new UUID(0, 0));
    this.logits = model.makeDenseTensor(vocabSize);
    this.vocabSize = vocabSize;
  }

  /**
   * Loads the weights of a folder.
   *
   * @param folder with {@code model.safetensors}
   * @param config of the model there
   * @param threads of all that Jlama computes in this JVM
   * @throws IllegalStateException if Jlama has begun with another number of threads
   */
  public static Jlama load(Path folder, ModelConfig config, int threads) {
    setThreads(threads);
    // Jlama turns queries and keys of head h by the angles of a position 2h further on, which makes
    // no difference but at the end of its table.
    int positions = config.maxSeqLen() + 2 * config.numHeads();
    LlamaConfig theirs =
        new LlamaConfig(
            positions,
            config.hiddenDim(),
            config.ffnHiddenDim(),
            config.numHeads(),
            config.numKvHeads(),
            config.numLayers(),
            (float) config.normEps(),
            config.vocabSize(),
            0,
            0,
            ActivationFunction.Type.SILU,
            config.ropeTheta(),
            null);
    AbstractModel model =
        new LlamaModel(
            theirs,
            SafeTensorSupport.loadWeights(folder.toFile()),
            null,
            DType.F32,
            DType.I8, // Where the weights are 4 bits wide; it takes their own type where not.
            Optional.empty());
    return new Jlama(model, config.vocabSize());
  }

  /**
   * Writes the weights of a folder in 4 bits, the narrowest that Jlama computes with, all but those
   * of the norms.
   *
   * @return a new folder beside the other, which {@link #load} takes
   * @throws IOException if it cannot be written
   */
  public static Path quantize(Path folder) throws IOException {
    for (String demanded : List.of("README.md", "tokenizer.json")) { // They are copied unread.
      Files.writeString(folder.resolve(demanded), "{}");
    }
    return SafeTensorSupport.quantizeModel(
        folder, DType.Q4, new String[] {"norm"}, new String[0], Optional.empty());
  }

  private static void setThreads(int threads) {
    try {
      PhysicalCoreExecutor.overrideThreadCount(threads);
    } catch (IllegalStateException begun) {
      int standing = PhysicalCoreExecutor.instance.get().getCoreCount();
      if (standing != threads) {
        throw new IllegalStateException(
            "Jlama computes with %d threads in this JVM, not with %d".formatted(standing, threads),
            begun);
      }
    }
  }

  /** Which of its kernels Jlama has found to work on this machine. */
  public static String kernels() {
    return TensorOperationsProvider.get().name();
  }

  /**
   * Reads a prompt into the empty row.
   *
   * @return the most probable next token
   */
  public int prompt(int... tokens) {
    int next = 0;
    for (int from = 0; from < tokens.length; from += MOST_ROWS) {
      int[] piece = Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + MOST_ROWS));
      try (AbstractTensor<?, ?> hidden = model.batchForward(piece, from, row)) {
        if (from + piece.length == tokens.length) {
          next = pick(hidden.slice(piece.length - 1));
        }
      }
    }
    return next;
  }

  /**
   * Reads one more token.
   *
   * @param position how many tokens stand before it; those behind are forgotten
   * @return the most probable next token
   */
  public int next(int token, int position) {
    try (AbstractTensor<?, ?> hidden = model.forward(token, position, row, Optional.empty())) {
      return pick(hidden);
    }
  }

  private int pick(AbstractTensor<?, ?> hidden) {
    return model.sample(hidden, GREEDY, 0, logits);
  }

  /** The logits of the last token picked, [V]. */
  public float[] logits() {
    float[] copy = new float[vocabSize];
    for (int v = 0; v < vocabSize; v++) {
      copy[v] = logits.get(0, v);
    }
    return copy;
  }

  @Override
  public void close() {
    logits.close();
    caches.close();
    model.close();
  }
}
