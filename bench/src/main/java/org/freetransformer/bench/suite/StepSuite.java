package org.freetransformer.bench.suite;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.Map;
import org.freetransformer.bench.libtorch.TorchLlama;
import org.freetransformer.bench.libtorch.TorchOps;
import org.freetransformer.bench.libtorch.TorchTrainingStep;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.Parameter;

/**
 * A whole training step of the baseline, forward, backward, clipping and AdamW: ours is the
 * recorded step of the trainer, libtorch's the same operations one by one, with its own kernels for
 * attention, SiLU, cross-entropy and AdamW. The limit does the step's useful floating-point
 * operations and nothing else.
 */
final class StepSuite implements Suite {
  static final double LEARNING_RATE = 1e-4;

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
    return StepCase.ALL.stream().map(StepCase::name).toList();
  }

  @Override
  public List<String> quickCases() {
    return cases();
  }

  @Override
  public Contest open(String name, Place place) {
    StepCase shape = StepCase.named(name);
    TrainerStep ours = shape.ours(place.engine());
    Peer peer =
        Peer.of(
            place,
            manager -> {
              Map<String, Parameter> weights = ours.model().parameters();
              TorchLlama copy = TorchLlama.copyOf(manager, shape.torch(), weights);
              return libtorch(shape, copy, manager);
            });
    Limit limit =
        Limit.arithmetic(usefulFlops(shape.config(), shape.batch()), ours.engine(), place);
    return Contest.tokens(shape.tokens(), ours, limit, ours::close)
        .against(peer.calls(), null, peer::close);
  }

  /** D, heads, F, L, V, B and T. */
  static int[] sizes(String name) {
    StepCase shape = StepCase.named(name);
    return new int[] {
      shape.width(),
      shape.heads(),
      shape.inner(),
      shape.layers(),
      shape.vocabulary(),
      shape.batch(),
      shape.length()
    };
  }

  /** Libtorch's step on a case's batch. */
  static Runnable libtorch(StepCase shape, TorchLlama model, NDManager manager) {
    TorchTrainingStep step = new TorchTrainingStep(manager, model);
    NDArray in = TorchOps.indices(manager, shape.inputs(), shape.batch(), shape.length());
    NDArray next = TorchOps.indices(manager, shape.targets(), shape.tokens());
    return Peer.scoped(() -> step.run(in, next, LEARNING_RATE));
  }
}
