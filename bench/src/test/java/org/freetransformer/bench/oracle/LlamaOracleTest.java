package org.freetransformer.bench.oracle;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.freetransformer.bench.libtorch.Libtorch;
import org.freetransformer.bench.libtorch.TorchLlama;
import org.freetransformer.bench.libtorch.TorchOps;
import org.freetransformer.model.Baseline;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.nn.Attention;
import org.freetransformer.nn.LlamaBlock;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.Rope;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.CrossEntropyOp;
import org.junit.jupiter.api.Test;

/** A block, and a whole small model with its loss, with equal weights on both sides. */
class LlamaOracleTest extends OracleTestBase {
  private static final int BATCH = 2;
  private static final int LENGTH = 9;
  private static final int WIDTH = 24;
  private static final int HEADS = 4;
  private static final int KEY_VALUE_HEADS = 2;
  private static final int INNER = 40;
  private static final int VOCABULARY = 31;
  private static final int LAYERS = 2;
  private static final double EPSILON = 1e-5;
  private static final int[] POSITIONS = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  private static final TorchLlama.Config TORCH =
      new TorchLlama.Config(LAYERS, HEADS, KEY_VALUE_HEADS, WIDTH / HEADS, EPSILON, LENGTH);

  @Test
  void block() {
    Operand x = Operand.normal(new SplittableRandom(6), BATCH, LENGTH, WIDTH);
    float[] upstream = Operand.normal(new SplittableRandom(7), BATCH, LENGTH, WIDTH).values();
    var attention = new Attention.Config(WIDTH, HEADS, KEY_VALUE_HEADS, 0, 0);
    for (Engine engine : oracle.engines()) {
      try (Scope _ = engine.scope("oracle");
          NDManager manager = Libtorch.newManager();
          Libtorch.Tape tape = Libtorch.tape();
          Rope rope = new Rope(engine, LENGTH, WIDTH / HEADS, 10000);
          LlamaBlock block =
              new LlamaBlock(
                  engine, new LlamaBlock.Config(attention, INNER, EPSILON, true), rope)) {
        enlarge(block.parameters());
        Tensor in = engine.tensor(x.values(), x.dims()).requireGrad();
        Sequence sequence = Sequence.whole(engine.tensor(POSITIONS, LENGTH));
        Tensor out = block.forward(in, sequence, null);
        out.backward(engine.tensor(upstream, x.dims()));

        TorchLlama peer = TorchLlama.copyOf(manager, TORCH, block.parameters()).withLeaves();
        NDArray theirIn = manager.create(x.values(), Oracle.torchShape(x.dims()));
        theirIn.setRequiresGradient(true);
        NDArray theirOut = peer.block("", theirIn);
        tape.backward(theirOut, manager.create(upstream, theirOut.getShape()));

        String where = "block on " + engine.device().name();
        Oracle.assertClose(where, out.toFloats(), theirOut.toFloatArray());
        Oracle.assertClose(
            where + ", input gradient", gradient(in), theirIn.getGradient().toFloatArray());
        assertSameGradients(where, block.parameters(), peer);
      }
    }
  }

  @Test
  void wholeModelWithItsLoss() {
    ModelConfig config =
        ModelConfig.builder()
            .kind(ModelConfig.Kind.BASELINE)
            .vocabSize(VOCABULARY)
            .hiddenDim(WIDTH)
            .numLayers(LAYERS)
            .numHeads(HEADS)
            .numKvHeads(KEY_VALUE_HEADS)
            .ffnHiddenDim(INNER)
            .maxSeqLen(LENGTH)
            .normEps(EPSILON)
            .build();
    SplittableRandom random = new SplittableRandom(8);
    int[] tokens = random.ints(BATCH * LENGTH, 0, VOCABULARY).toArray();
    int[] targets = random.ints(BATCH * LENGTH, 0, VOCABULARY).toArray();
    for (Engine engine : oracle.engines()) {
      try (Scope _ = engine.scope("oracle");
          NDManager manager = Libtorch.newManager();
          Libtorch.Tape tape = Libtorch.tape();
          Baseline model = new Baseline(engine, config)) {
        enlarge(model.parameters());
        Sequence sequence = Sequence.whole(engine.tensor(POSITIONS, LENGTH));
        Tensor hidden = model.hidden(engine.tensor(tokens, BATCH, LENGTH), null, sequence, null);
        Tensor loss =
            CrossEntropyOp.meanCrossEntropy(
                model.logits(hidden),
                engine.tensor(targets, BATCH, LENGTH),
                CrossEntropyOp.IGNORE_INDEX);
        loss.backward();

        TorchLlama peer = TorchLlama.copyOf(manager, TORCH, model.parameters()).withLeaves();
        NDArray theirLoss =
            TorchOps.crossEntropy(
                    peer.logits(TorchOps.indices(manager, tokens, BATCH, LENGTH)),
                    TorchOps.indices(manager, targets, BATCH * LENGTH, 1),
                    manager.ones(Oracle.torchShape(BATCH * LENGTH)))
                .mean();
        tape.backward(theirLoss, manager.ones(Oracle.torchShape()));

        String where = "model on " + engine.device().name();
        Oracle.assertClose(where, loss.toFloats(), theirLoss.toFloatArray());
        assertSameGradients(where, model.parameters(), peer);
      }
    }
  }

  /** Weights of natural size, so that no part of the sum is lost in rounding. */
  private static void enlarge(Map<String, Parameter> parameters) {
    SplittableRandom random = new SplittableRandom(9);
    for (Parameter parameter : parameters.values()) {
      int[] dims = parameter.value().shape().toArray();
      double scale = 1 / Math.sqrt(dims[dims.length - 1]);
      parameter.value().set(Operand.normal(random, dims).times(scale).values());
    }
  }

  private static float[] gradient(Tensor tensor) {
    return Objects.requireNonNull(tensor.grad(), "no gradient").toFloats();
  }

  private static void assertSameGradients(
      String where, Map<String, Parameter> parameters, TorchLlama peer) {
    parameters.forEach((name, parameter) ->
        Oracle.assertClose(
            "%s, gradient of %s".formatted(where, name),
            gradient(parameter.value()),
            Objects.requireNonNull(peer.parameters().get(name), name)
                .getGradient()
                .toFloatArray()));
  }
}
