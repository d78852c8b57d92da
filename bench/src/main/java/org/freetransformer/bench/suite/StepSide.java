package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDManager;
import org.freetransformer.bench.libtorch.Libtorch;
import org.freetransformer.bench.libtorch.TorchLlama;

/** One side of the suite {@code step} alone, for a process of its own. */
public enum StepSide {
  /** The trainer's step. */
  OURS {
    @Override
    public void load(int threads) {
      Place.cpu(threads).engine().close();
    }

    @Override
    @SuppressWarnings("MustBeClosedChecker") // It lives as long as its process.
    public Runnable build(String name, int threads) {
      return StepCase.named(name).ours(Place.cpu(threads).engine());
    }
  },

  /** The same by operations of libtorch, without an engine of ours beside it. */
  LIBTORCH {
    @Override
    public void load(int threads) {
      Libtorch.setThreads(threads);
    }

    @Override
    public Runnable build(String name, int threads) {
      StepCase shape = StepCase.named(name);
      NDManager manager = Libtorch.newManager();
      TorchLlama model =
          TorchLlama.random(manager, shape.torch(), shape.inner(), shape.vocabulary());
      return StepSuite.libtorch(shape, model, manager);
    }
  };

  /** The case that tests take, which no run measures. */
  public static final String TINY = "Llama 0.1M, B 2, T 32";

  /** Loads what the side computes with, and no model. */
  public abstract void load(int threads);

  /**
   * Makes a case's model and optimizer.
   *
   * @return what runs one step; what it needs lives as long as the process
   * @throws IllegalArgumentException if there is no such case
   */
  public abstract Runnable build(String name, int threads);
}
