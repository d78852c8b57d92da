package org.freetransformer.nn;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
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

  /** Writes the first values into a tensor of the parameter's shape. */
  private interface Initial {
    void into(Tensor tensor);
  }

  private final Initial initial;
  private final boolean decayed;
  private final boolean storedTransposed;
  private boolean trained = true;
  private Tensor value;

  private Parameter(Tensor value, Initial initial, boolean decayed, boolean storedTransposed) {
    this.value = value.requireGrad();
    this.initial = initial;
    this.decayed = decayed;
    this.storedTransposed = storedTransposed;
  }

  private static Parameter create(
      Engine engine, Initial initial, boolean decayed, boolean storedTransposed, int... dims) {
    Tensor none = engine.placeholder(DType.F32, Shape.of(dims));
    Parameter parameter = new Parameter(none, initial, decayed, storedTransposed);
    if (!engine.parametersDeferred()) {
      parameter.allocate(engine);
    }
    return parameter;
  }

  /** Draws from N(0, 0.02²), the same ones whenever it is asked in this step of the stream. */
  private static Initial normal(Engine engine) {
    int salt = engine.random().nextSalt();
    return tensor -> engine.random().fill(tensor, Distribution.NORMAL, 0, INITIAL_DEVIATION, salt);
  }

  private static Initial constant(Engine engine, double number) {
    return tensor -> engine.emit(new Instruction.Fill(tensor.buffer(), number));
  }

  /** A weight drawn from N(0, 0.02²), under weight decay. */
  public static Parameter weight(Engine engine, int... dims) {
    return create(engine, normal(engine), true, false, dims);
  }

  /** A scale of ones, free of weight decay: a norm's. */
  public static Parameter scale(Engine engine, int size) {
    return create(engine, constant(engine, 1), false, false, size);
  }

  /** A vector drawn from N(0, 0.02²), free of weight decay: the encoder's query. */
  public static Parameter vector(Engine engine, int size) {
    return create(engine, normal(engine), false, false, size);
  }

  /**
   * A weight of zeros, under weight decay.
   *
   * @param storedTransposed whether checkpoints hold it with its two axes swapped
   */
  public static Parameter zeros(Engine engine, boolean storedTransposed, int... dims) {
    return create(engine, constant(engine, 0), true, storedTransposed, dims);
  }

  /** Consecutive elements of a parameter, which an optimizer treats as it would treat the whole. */
  public static Parameter part(Parameter whole, Tensor elements) {
    Initial none =
        _ -> {
          throw new IllegalStateException("a part of a parameter has no first values of its own");
        };
    return new Parameter(elements, none, whole.decayed, false);
  }

  /** Writes the first values into a tensor of this parameter's shape. */
  public void initialise(Tensor tensor) {
    initial.into(tensor);
  }

  /** Takes memory for a parameter that was made without, and writes the first values into it. */
  public void allocate(Engine engine) {
    replace(engine.allocate("parameters", DType.F32, value.shape()));
    initial.into(value);
  }

  /** Takes another tensor of the same shape in place of {@link #value}, which is closed. */
  public void replace(Tensor tensor) {
    value.close();
    value = trained ? tensor.requireGrad() : tensor;
  }

  /** Keeps this parameter as it is: no gradient is computed for it from now on. */
  public void freeze() {
    trained = false;
    value.forbidGrad();
  }

  /** Whether training changes it. */
  public boolean isTrained() {
    return trained;
  }

  /** Those that training changes, by name, in the same order. */
  public static SequencedMap<String, Parameter> trained(SequencedMap<String, Parameter> all) {
    SequencedMap<String, Parameter> trained = new LinkedHashMap<>(all);
    trained.values().removeIf(parameter -> !parameter.isTrained());
    return trained;
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

  /** Whether checkpoints hold it with its two axes swapped. */
  public boolean isStoredTransposed() {
    return storedTransposed;
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
