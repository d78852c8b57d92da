package org.freetransformer.nn;

import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Instruction.Random.Distribution;

/** A tensor that training changes. It lives until its module is closed. */
public final class Parameter implements AutoCloseable {
  /** Standard deviation of new weights. */
  public static final double INITIAL_DEVIATION = 0.02;

  private final Tensor value;
  private final boolean decayed;
  private final boolean storedTransposed;

  private Parameter(Tensor value, boolean decayed, boolean storedTransposed) {
    this.value = value.requireGrad();
    this.decayed = decayed;
    this.storedTransposed = storedTransposed;
  }

  private static Tensor allocate(Engine engine, int... dims) {
    return engine.allocate("parameters", DType.F32, Shape.of(dims));
  }

  /** A weight drawn from N(0, 0.02²), under weight decay. */
  public static Parameter weight(Engine engine, int... dims) {
    Tensor value = allocate(engine, dims);
    engine.random().fill(value, Distribution.NORMAL, 0, INITIAL_DEVIATION);
    return new Parameter(value, true, false);
  }

  /** A scale of ones, free of weight decay: a norm's. */
  public static Parameter scale(Engine engine, int size) {
    Tensor value = allocate(engine, size);
    engine.emit(new Instruction.Fill(value.buffer(), 1));
    return new Parameter(value, false, false);
  }

  /** A vector drawn from N(0, 0.02²), free of weight decay: the encoder's query. */
  public static Parameter vector(Engine engine, int size) {
    Tensor value = allocate(engine, size);
    engine.random().fill(value, Distribution.NORMAL, 0, INITIAL_DEVIATION);
    return new Parameter(value, false, false);
  }

  /**
   * A weight of zeros, under weight decay.
   *
   * @param storedTransposed whether checkpoints hold it with its two axes swapped
   */
  public static Parameter zeros(Engine engine, boolean storedTransposed, int... dims) {
    return new Parameter(allocate(engine, dims), true, storedTransposed);
  }

  /** The tensor. */
  public Tensor value() {
    return value;
  }

  /** Whether weight decay pulls it towards zero. */
  public boolean isDecayed() {
    return decayed;
  }

  /** Number of elements. */
  public long size() {
    return value.shape().size();
  }

  /** A view of any tensor laid out like this parameter (a moment, say) as checkpoints store it. */
  public Tensor stored(Tensor tensor) {
    return storedTransposed ? tensor.view(tensor.layout().transpose(0, 1)) : tensor;
  }

  @Override
  public void close() {
    value.close();
  }
}
