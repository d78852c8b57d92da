package org.freetransformer.bench.libtorch;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Access to the native library: whether it is there, its version, its threads. */
public final class Libtorch {
  private static final @Nullable Engine ENGINE;
  private static final @Nullable String WHY_MISSING;

  static {
    // DJL otherwise looks for newer natives on the network and counts its users.
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    Engine engine = null;
    String whyMissing = null;
    try {
      engine = Engine.getEngine("PyTorch");
    } catch (RuntimeException | LinkageError e) {
      whyMissing =
          "libtorch has no native library for %s on %s here (%s)"
              .formatted(System.getProperty("os.name"), System.getProperty("os.arch"), e);
    }
    ENGINE = engine;
    WHY_MISSING = whyMissing;
  }

  private Libtorch() {}

  /** Why libtorch cannot be used on this machine, or empty if it can. */
  public static Optional<String> whyMissing() {
    return Optional.ofNullable(WHY_MISSING);
  }

  private static Engine engine() {
    if (ENGINE == null) {
      throw new IllegalStateException(WHY_MISSING);
    }
    return ENGINE;
  }

  /** Version of the native library. */
  public static String version() {
    return engine().getVersion();
  }

  /** Number of threads that one operation may use. */
  public static void setThreads(int threads) {
    engine();
    JniUtils.setNumThreads(threads);
  }

  /** A manager of arrays: closing it frees every array that was made from it or from its arrays. */
  public static NDManager newManager() {
    return engine().newBaseManager(ai.djl.Device.cpu());
  }

  /**
   * A leaf that shares the memory of an array: it starts without a gradient, so that a backward
   * pass sets it rather than adds to the last one's.
   */
  public static NDArray leaf(NDArray array) {
    NDArray leaf = array.stopGradient();
    leaf.setRequiresGradient(true);
    return leaf;
  }

  /** Runs operations under a tape; {@code Tape.backward} walks it. */
  public static Tape tape() {
    engine();
    return new Tape();
  }

  /** Operations are remembered for a backward pass until the tape is closed. */
  public static final class Tape implements AutoCloseable {
    private final boolean before = JniUtils.isGradMode();

    private Tape() {
      JniUtils.setGradMode(true);
    }

    /** Adds to each leaf's gradient its share, given the gradient of {@code y}. */
    public void backward(NDArray y, NDArray gradient) {
      JniUtils.backward((PtNDArray) y, (PtNDArray) gradient, false, false);
    }

    @Override
    public void close() {
      JniUtils.setGradMode(before);
    }
  }
}
