package org.freetransformer.nn;

import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.ops.SwiGluOp;

/** The feed-forward layer of Llama: {@code w2(silu(w1·x) ⊙ w3·x)}, inner size F. */
public final class SwiGlu extends Module {
  private final Linear w1;
  private final Linear w2;
  private final Linear w3;

  /** A layer of new weights. */
  public SwiGlu(Engine engine, int width, int inner) {
    w1 = child("w1", new Linear(engine, width, inner));
    w2 = child("w2", new Linear(engine, inner, width));
    w3 = child("w3", new Linear(engine, width, inner));
  }

  /** x [.., D] to [.., D], for a residual stream. */
  public Tensor forward(Tensor x) {
    return w2.forwardInFull(SwiGluOp.swiGlu(w1.forward(x), w3.forward(x)));
  }
}
