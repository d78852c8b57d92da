package org.freetransformer.tensor;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.freetransformer.tensor.autograd.Backpropagation;
import org.freetransformer.tensor.autograd.Node;
import org.freetransformer.tensor.device.BinaryFunction;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.ReduceFunction;
import org.freetransformer.tensor.device.Storage;
import org.freetransformer.tensor.device.UnaryFunction;
import org.freetransformer.tensor.ops.CastOp;
import org.freetransformer.tensor.ops.ElementwiseOp;
import org.freetransformer.tensor.ops.MatMulOp;
import org.freetransformer.tensor.ops.ReduceOp;
import org.freetransformer.tensor.ops.SoftmaxOp;
import org.freetransformer.tensor.ops.ViewOp;
import org.jspecify.annotations.Nullable;

/**
 * An n-dimensional array on an engine's device, and, if it asks for a gradient, a place in the
 * graph that leads back to it. The operations that every array library has are methods here; those
 * of a transformer are in {@code org.freetransformer.tensor.ops}, a file each.
 */
public final class Tensor implements AutoCloseable {
  private final Engine engine;
  private final Buffer buffer;
  private final boolean ownsStorage;
  private boolean requiresGrad;
  private boolean retainsGrad;
  private @Nullable Node node;
  private @Nullable Tensor grad;

  /** Wraps a buffer; {@code ownsStorage} says whether closing the tensor frees it. */
  Tensor(Engine engine, Buffer buffer, boolean ownsStorage) {
    this.engine = engine;
    this.buffer = buffer;
    this.ownsStorage = ownsStorage;
  }

  /** The engine that computes with this tensor. */
  public Engine engine() {
    return engine;
  }

  /** Where the elements are. */
  public Buffer buffer() {
    return buffer;
  }

  /** How the elements lie in memory. */
  public Layout layout() {
    return buffer.layout();
  }

  /** The sizes. */
  public Shape shape() {
    return buffer.shape();
  }

  /** Size of one dimension; negative axes count from the end. */
  public int dim(int axis) {
    return shape().dim(axis);
  }

  /** The type of the elements. */
  public DType dtype() {
    return buffer.dtype();
  }

  /** Frees the memory, unless this is a view of another tensor, and the gradient. */
  @Override
  public void close() {
    if (grad != null) {
      grad.close();
      grad = null;
    }
    if (ownsStorage) {
      buffer.storage().close();
    }
  }

  @Override
  public String toString() {
    return "Tensor " + buffer;
  }

  // ---- Gradients ----

  /**
   * Makes this tensor a leaf whose gradient {@link #backward} computes.
   *
   * @throws IllegalStateException if its elements are not floating-point
   */
  public Tensor requireGrad() {
    if (!dtype().isFloating()) {
      throw new IllegalStateException(
          "a tensor of %s cannot have a gradient: allowed are floating types".formatted(dtype()));
    }
    requiresGrad = true;
    if (!ownsStorage) {
      engine.currentScope().own(this); // The gradient needs a lifetime, and a view has none.
    }
    return this;
  }

  /** Makes this leaf one whose gradient is not computed any more. */
  public void forbidGrad() {
    requiresGrad = false;
    if (grad != null) {
      grad.close();
      grad = null;
    }
  }

  /** Whether a gradient flows to this tensor. */
  public boolean requiresGrad() {
    return requiresGrad;
  }

  /** The operation that made this tensor, or null for a leaf. For operations, not for users. */
  public @Nullable Node node() {
    return node;
  }

  /** Ties this tensor, an operation's result, to the operation's way back. For operations. */
  public Tensor withNode(Node operation) {
    node = operation;
    requiresGrad = true;
    return this;
  }

  /** The gradient that the backward passes so far have summed up, or null. */
  public @Nullable Tensor grad() {
    return grad;
  }

  /**
   * Sets the tensor in which gradients are summed up; closing this tensor closes it.
   *
   * @throws IllegalArgumentException if it has not this shape and type, or is not contiguous
   */
  public void setGrad(@Nullable Tensor gradient) {
    if (gradient != null) {
      boolean fits =
          gradient.shape().equals(shape())
              && gradient.dtype() == dtype()
              && gradient.buffer().isContiguous();
      if (!fits) {
        throw new IllegalArgumentException(
            "%s cannot be the gradient of %s: it must have the same shape and type, without gaps"
                .formatted(gradient, this));
      }
    }
    grad = gradient;
  }

  /** Keeps the gradient of this tensor although it is not a leaf. */
  public Tensor retainGrad() {
    retainsGrad = true;
    return this;
  }

  /** Whether the gradient is kept although this is not a leaf. */
  public boolean retainsGrad() {
    return retainsGrad;
  }

  /** This tensor if it owns its memory, else one that does, outside the graph. */
  Tensor owningStorage() {
    return ownsStorage ? this : new Tensor(engine, buffer, true);
  }

  /** Whether closing this tensor frees a storage, as closing a view of it does not. */
  boolean owns(Storage storage) {
    return ownsStorage && buffer.storage().equals(storage);
  }

  /** The same elements, cut off from the graph. */
  public Tensor detach() {
    return new Tensor(engine, buffer, false);
  }

  /**
   * Adds the gradient of this scalar with respect to every leaf to the leaf's {@link #grad}.
   *
   * @throws IllegalStateException if this is not a scalar that depends on a leaf, or if a backward
   *     pass went through its graph before
   */
  public void backward() {
    if (shape().size() != 1) {
      throw new IllegalStateException(
          "backward() starts at one number, this tensor has shape %s: sum it up, or give the gradient"
              .formatted(shape()));
    }
    backward(engine.full(dtype(), shape(), 1));
  }

  /** The same from a tensor of any shape, given the gradient of what follows, of equal shape. */
  public void backward(Tensor gradient) {
    Backpropagation.run(List.of(new Backpropagation.Start(this, gradient)));
  }

  /** A view of this tensor's memory under another layout, outside the graph. For operations. */
  public Tensor view(Layout layout) {
    return new Tensor(engine, buffer.with(layout), false);
  }

  // ---- Values on the host ----

  /** The elements as floats, row-major. */
  public float[] toFloats() {
    float[] values = new float[shape().sizeAsInt("toFloats()")];
    read(DType.F32, MemorySegment.ofArray(values));
    return values;
  }

  /** The elements as doubles, row-major. */
  public double[] toDoubles() {
    double[] values = new double[shape().sizeAsInt("toDoubles()")];
    read(DType.F64, MemorySegment.ofArray(values));
    return values;
  }

  /** The elements as integers, row-major; fractions are cut off. */
  public int[] toInts() {
    int[] values = new int[shape().sizeAsInt("toInts()")];
    read(DType.I32, MemorySegment.ofArray(values));
    return values;
  }

  private void read(DType type, MemorySegment target) {
    engine.requireNotRecording("its values exist, and can be read, after a run");
    if (type == dtype() && buffer.isContiguous()) { // Nothing to convert, so no garbage either.
      engine.device().read(buffer.storage(), byteOffset(), target);
      return;
    }
    try (Scope _ = engine.scope("host copies");
        Engine.Mode _ = engine.noGrad()) {
      Tensor plain = to(type).contiguous();
      engine.device().read(plain.buffer.storage(), plain.byteOffset(), target);
    }
  }

  private long byteOffset() {
    return layout().offset() * dtype().bytes();
  }

  /**
   * The only element.
   *
   * @throws IllegalStateException if there is not exactly one
   */
  public float item() {
    if (shape().size() != 1) {
      throw new IllegalStateException(
          "item() of a tensor of shape %s: there must be exactly one element".formatted(shape()));
    }
    return toFloats()[0];
  }

  /**
   * Sets all elements, row-major; f32 only.
   *
   * @throws IllegalArgumentException if type or number do not fit, or this is a view with gaps
   * @throws IllegalStateException while a program is recorded
   */
  public Tensor set(float[] values) {
    return write(DType.F32, values.length, MemorySegment.ofArray(values));
  }

  /** Sets all elements, row-major; f64 only. */
  public Tensor set(double[] values) {
    return write(DType.F64, values.length, MemorySegment.ofArray(values));
  }

  /** Sets all elements, row-major; i32 only. */
  public Tensor set(int[] values) {
    return write(DType.I32, values.length, MemorySegment.ofArray(values));
  }

  /** Sets all elements from raw memory in this tensor's type and order. */
  public Tensor set(MemorySegment values) {
    requireBytes(values);
    return write(dtype(), shape().size(), values);
  }

  /** What {@link #set(MemorySegment)} would write. */
  Device.Write writing(MemorySegment values) {
    requireBytes(values);
    requireFits(dtype(), shape().size());
    return new Device.Write(buffer.storage(), byteOffset(), values);
  }

  private Tensor write(DType type, long length, MemorySegment values) {
    requireFits(type, length);
    engine.requireNotRecording("values from the host cannot enter it; set them before each run");
    engine.device().write(buffer.storage(), byteOffset(), values);
    return this;
  }

  private void requireBytes(MemorySegment values) {
    if (values.byteSize() != buffer.bytes()) {
      throw new IllegalArgumentException(
          "%d bytes cannot be written to %s of %d bytes"
              .formatted(values.byteSize(), this, buffer.bytes()));
    }
  }

  private void requireFits(DType type, long length) {
    if (type != dtype() || length != shape().size() || !buffer.isContiguous()) {
      throw new IllegalArgumentException(
          "%d values of %s cannot be written to %s: type and number must be equal, and the tensor"
                  .formatted(length, type, this)
              + " without gaps");
    }
  }

  /**
   * Copies all elements, in this tensor's type and row-major order, to raw memory of the same size.
   *
   * @throws IllegalArgumentException if the sizes differ
   */
  public void copyTo(MemorySegment target) {
    if (target.byteSize() != buffer.bytes()) {
      throw new IllegalArgumentException(
          "%s has %d bytes, the target %d".formatted(this, buffer.bytes(), target.byteSize()));
    }
    read(dtype(), target);
  }

  // ---- Views ----

  /** The same elements under another shape; one size may be −1 and is then inferred. */
  public Tensor reshape(int... dims) {
    return ViewOp.reshape(this, dims);
  }

  /** Two axes swapped, without a copy. */
  public Tensor transpose(int axis1, int axis2) {
    return ViewOp.transpose(this, axis1, axis2);
  }

  /** The axes in another order, without a copy. */
  public Tensor permute(int... order) {
    return ViewOp.permute(this, order);
  }

  /** A part of one axis, without a copy. */
  public Tensor narrow(int axis, int start, int length) {
    return ViewOp.narrow(this, axis, start, length);
  }

  /** Size-1 and missing leading axes repeated, without a copy. */
  public Tensor broadcastTo(int... dims) {
    return ViewOp.broadcastTo(this, Shape.of(dims));
  }

  /** This tensor if it lies row-major without gaps, else a copy that does. */
  public Tensor contiguous() {
    return ViewOp.contiguous(this);
  }

  /** Tensors joined along an axis. */
  public static Tensor concat(int axis, List<Tensor> parts) {
    return ViewOp.concat(axis, parts);
  }

  /** The elements in another type. */
  public Tensor to(DType type) {
    return CastOp.cast(this, type);
  }

  // ---- Elementwise, with broadcasting ----

  /** a + b. */
  public Tensor add(Tensor other) {
    return ElementwiseOp.binary(BinaryFunction.ADD, this, other);
  }

  /** a − b. */
  public Tensor sub(Tensor other) {
    return ElementwiseOp.binary(BinaryFunction.SUBTRACT, this, other);
  }

  /** a·b. */
  public Tensor mul(Tensor other) {
    return ElementwiseOp.binary(BinaryFunction.MULTIPLY, this, other);
  }

  /** a / b. */
  public Tensor div(Tensor other) {
    return ElementwiseOp.binary(BinaryFunction.DIVIDE, this, other);
  }

  /** The larger one; equal ones share the gradient. */
  public Tensor maximum(Tensor other) {
    return ElementwiseOp.binary(BinaryFunction.MAX, this, other);
  }

  /** The smaller one; equal ones share the gradient. */
  public Tensor minimum(Tensor other) {
    return ElementwiseOp.binary(BinaryFunction.MIN, this, other);
  }

  /** Where equal 1, else 0; no gradient. */
  public Tensor equal(Tensor other) {
    return ElementwiseOp.binary(BinaryFunction.EQUAL, this, other);
  }

  /** Where different 1, else 0; no gradient. */
  public Tensor notEqual(Tensor other) {
    return ElementwiseOp.binary(BinaryFunction.NOT_EQUAL, this, other);
  }

  /** Where larger 1, else 0; no gradient. */
  public Tensor greater(Tensor other) {
    return ElementwiseOp.binary(BinaryFunction.GREATER, this, other);
  }

  /** Where smaller 1, else 0; no gradient. */
  public Tensor less(Tensor other) {
    return ElementwiseOp.binary(BinaryFunction.LESS, this, other);
  }

  /** This as a condition: where not 0 {@code a}, else {@code b}. */
  public Tensor select(Tensor a, Tensor b) {
    return ElementwiseOp.select(this, a, b);
  }

  /** x + number. */
  public Tensor add(double number) {
    return ElementwiseOp.affine(this, 1, number);
  }

  /** x·number. */
  public Tensor mul(double number) {
    return ElementwiseOp.affine(this, number, 0);
  }

  /** −x. */
  public Tensor neg() {
    return ElementwiseOp.unary(UnaryFunction.NEGATE, this);
  }

  /** |x|. */
  public Tensor abs() {
    return ElementwiseOp.unary(UnaryFunction.ABS, this);
  }

  /** e^x. */
  public Tensor exp() {
    return ElementwiseOp.unary(UnaryFunction.EXP, this);
  }

  /** Natural logarithm. */
  public Tensor log() {
    return ElementwiseOp.unary(UnaryFunction.LOG, this);
  }

  /** √x. */
  public Tensor sqrt() {
    return ElementwiseOp.unary(UnaryFunction.SQRT, this);
  }

  /** x². */
  public Tensor square() {
    return ElementwiseOp.unary(UnaryFunction.SQUARE, this);
  }

  /** 1/x. */
  public Tensor reciprocal() {
    return ElementwiseOp.unary(UnaryFunction.RECIPROCAL, this);
  }

  /** Hyperbolic tangent. */
  public Tensor tanh() {
    return ElementwiseOp.unary(UnaryFunction.TANH, this);
  }

  /** 1/(1 + e^−x). */
  public Tensor sigmoid() {
    return ElementwiseOp.unary(UnaryFunction.SIGMOID, this);
  }

  /** x·sigmoid(x). */
  public Tensor silu() {
    return ElementwiseOp.unary(UnaryFunction.SILU, this);
  }

  /** max(0, x). */
  public Tensor relu() {
    return ElementwiseOp.unary(UnaryFunction.RELU, this);
  }

  /** ln(1 + e^x). */
  public Tensor softplus() {
    return ElementwiseOp.unary(UnaryFunction.SOFTPLUS, this);
  }

  // ---- Reductions and products ----

  /** Sum of all elements, shape []. */
  public Tensor sum() {
    return ReduceOp.reduceAll(ReduceFunction.SUM, this);
  }

  /** Sum along one axis, which is dropped. */
  public Tensor sum(int axis) {
    return ReduceOp.reduce(ReduceFunction.SUM, this, axis, false);
  }

  /** Sum along one axis, which stays with size 1 if {@code keepDim}. */
  public Tensor sum(int axis, boolean keepDim) {
    return ReduceOp.reduce(ReduceFunction.SUM, this, axis, keepDim);
  }

  /** Mean of all elements, shape []; NaN if there are none. */
  public Tensor mean() {
    return sum().mul(1.0 / shape().size());
  }

  /** Mean along one axis, which is dropped. */
  public Tensor mean(int axis) {
    return sum(axis).mul(1.0 / dim(axis));
  }

  /** Sum of the squares of all elements, shape []. */
  public Tensor sumOfSquares() {
    return ReduceOp.reduceAll(ReduceFunction.SUM_OF_SQUARES, this);
  }

  /** Largest element along one axis, which is dropped; equal ones share the gradient. */
  public Tensor max(int axis) {
    return ReduceOp.reduce(ReduceFunction.MAX, this, axis, false);
  }

  /** Matrix product [.., M, K] × [.., K, N], leading axes broadcast. */
  public Tensor matmul(Tensor other) {
    return MatMulOp.matmul(this, other);
  }

  /** Softmax over the last axis. */
  public Tensor softmax() {
    return SoftmaxOp.softmax(this, false);
  }

  /** Logarithm of the softmax over the last axis. */
  public Tensor logSoftmax() {
    return SoftmaxOp.softmax(this, true);
  }
}
