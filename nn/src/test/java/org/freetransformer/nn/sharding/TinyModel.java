package org.freetransformer.nn.sharding;

import java.util.ArrayList;
import java.util.List;
import org.freetransformer.nn.Attention;
import org.freetransformer.nn.Embedding;
import org.freetransformer.nn.Linear;
import org.freetransformer.nn.LlamaBlock;
import org.freetransformer.nn.Module;
import org.freetransformer.nn.RmsNorm;
import org.freetransformer.nn.Rope;
import org.freetransformer.nn.Sequence;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.CrossEntropyOp;
import org.jspecify.annotations.Nullable;

/** A language model of three small blocks, whose output may be tied to its embedding. */
final class TinyModel extends Module {
  static final int VOCABULARY = 19;
  static final int LENGTH = 6;
  private static final int WIDTH = 12;

  private final Rope rope;
  private final Embedding embedding;
  private final List<LlamaBlock> blocks = new ArrayList<>();
  private final RmsNorm norm;
  private final @Nullable Linear output;

  TinyModel(Engine engine, boolean tied) {
    rope = new Rope(engine, LENGTH, 6, 10_000);
    embedding = child("embedding", new Embedding(engine, VOCABULARY, WIDTH));
    Attention.Config attention = new Attention.Config(WIDTH, 2, 1, 0.1, 0);
    for (int i = 0; i < 3; i++) {
      LlamaBlock.Config config = new LlamaBlock.Config(attention, 20, 1e-6, true);
      blocks.add(child("blocks." + i, new LlamaBlock(engine, config, rope)));
    }
    norm = child("norm", new RmsNorm(engine, WIDTH, 1e-6));
    output = tied ? null : child("output", new Linear(engine, WIDTH, VOCABULARY));
  }

  LlamaBlock block(int index) {
    return blocks.get(index);
  }

  /** Mean cross-entropy of the tokens [B, T] that follow. */
  Tensor loss(Tensor tokens, Tensor targets, Tensor positions) {
    Tensor x = embedding.forward(tokens);
    for (LlamaBlock block : blocks) {
      x = block.forward(x, Sequence.whole(positions), null);
    }
    x = norm.forward(x);
    Tensor logits = output == null ? embedding.unembed(x) : output.forward(x);
    return CrossEntropyOp.crossEntropy(logits, targets, -100).mean();
  }

  @Override
  public void close() {
    super.close();
    rope.close();
  }
}
