package org.freetransformer.tensor;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Instruction.Random.Distribution;
import org.freetransformer.tensor.device.Storage;
import org.jspecify.annotations.Nullable;

/**
 * A device in use: makes tensors on it, emits instructions to it, and knows whether they run at
 * once or are recorded into a {@link Program}. An engine is used by one thread at a time; several
 * engines may live in one process.
 *
 * <p>Who owns memory: a tensor made inside a {@link Scope} dies with the scope; one made outside
 * any scope dies with the engine, or when it is closed; one from {@link #allocate} when it is
 * closed. Between recording and closing, a program owns its intermediate tensors.
 */
public final class Engine implements AutoCloseable {
  private final Device device;
  private final Scope root;
  private final Deque<Scope> scopes = new ArrayDeque<>();
  private final RandomStream random;
  private @Nullable Recording recording;
  private @Nullable Consumer<Instruction> observer;
  private int saltBeforeRecording;
  private boolean gradEnabled = true;
  private boolean parametersDeferred;
  private ProgramRewriter rewriter = ProgramRewriter.NONE;
  private boolean recomputes;
  private @Nullable WeightCopies copies;

  private Engine(Device device) {
    this.device = device;
    this.root = new Scope(this, "engine");
    try {
      this.random = new RandomStream(this);
    } catch (RuntimeException | Error failure) {
      device.close();
      throw failure;
    }
  }

  /**
   * Opens an engine on a device; closing the engine closes the device. If there is no memory for an
   * engine, the device is closed as well.
   */
  public static Engine on(Device device) {
    return new Engine(device);
  }

  /** The device. */
  public Device device() {
    return device;
  }

  /** The source of all random numbers of this engine. */
  public RandomStream random() {
    return random;
  }

  // ---- Lifetimes and modes ----

  /**
   * Opens a scope: tensors made from now on are freed when it closes.
   *
   * @param owner in whose name their bytes are counted
   */
  public Scope scope(String owner) {
    Scope scope = new Scope(this, owner);
    scopes.push(scope);
    return scope;
  }

  void leave(Scope scope) {
    if (scopes.peek() != scope) {
      throw new IllegalStateException("scopes must be closed in the reverse order of opening");
    }
    scopes.pop();
  }

  /** The scope that was the innermost when this one was opened. */
  Scope around(Scope scope) {
    Scope around = root;
    for (Scope outer : scopes.reversed()) {
      if (outer == scope) {
        break;
      }
      around = outer;
    }
    return around;
  }

  Scope currentScope() {
    Scope innermost = scopes.peek();
    return innermost == null ? root : innermost;
  }

  /** Undoes a change of mode when it is closed. */
  @FunctionalInterface
  public interface Mode extends AutoCloseable {
    @Override
    void close();
  }

  /** Operations until the mode is closed are not remembered for a backward pass. */
  public Mode noGrad() {
    return grad(false);
  }

  /** Operations until the mode is closed are remembered for a backward pass, or are not. */
  public Mode grad(boolean on) {
    boolean before = gradEnabled;
    gradEnabled = on;
    return () -> gradEnabled = before;
  }

  /** Whether operations are remembered for a backward pass. */
  public boolean gradEnabled() {
    return gradEnabled;
  }

  /**
   * Parameters made until the mode is closed get no memory: whoever opened it gives them some, and
   * their first values.
   */
  public Mode deferParameters() {
    boolean before = parametersDeferred;
    parametersDeferred = true;
    return () -> parametersDeferred = before;
  }

  /** Whether parameters are made without memory. */
  public boolean parametersDeferred() {
    return parametersDeferred;
  }

  /** Changes all programs that are recorded from now on. */
  public void rewritePrograms(ProgramRewriter newRewriter) {
    rewriter = newRewriter;
  }

  ProgramRewriter rewriter() {
    return rewriter;
  }

  /**
   * Until the mode is closed, segments of the graph that allow it ({@link
   * org.freetransformer.tensor.autograd.Recomputation}) keep no inner results for the backward
   * pass, which computes them again.
   */
  public Mode recomputation(boolean on) {
    boolean before = recomputes;
    recomputes = on;
    return () -> recomputes = before;
  }

  /** Whether segments that allow it are computed again in the backward pass. */
  public boolean recomputes() {
    return recomputes;
  }

  /**
   * Operations until the mode is closed store numbers as {@code copies.precision()} says; null
   * means {@link Precision#FP32}.
   */
  public Mode mixedPrecision(@Nullable WeightCopies weights) {
    WeightCopies before = copies;
    copies = weights;
    return () -> copies = before;
  }

  /** The precision policy that is on. */
  public Precision precision() {
    return copies == null ? Precision.FP32 : copies.precision();
  }

  /** The 16-bit weights of the precision policy that is on, if it has any. */
  public @Nullable WeightCopies weightCopies() {
    return copies;
  }

  /** What products read for a weight under the policy that is on. For operations. */
  public Tensor productWeight(Tensor weight) {
    return copies == null ? weight : copies.of(weight);
  }

  /** Whether instructions are being recorded rather than run. */
  public boolean isRecording() {
    return recording != null;
  }

  Recording startRecording() {
    if (recording != null) {
      throw new IllegalStateException(
          "a program is being recorded already: recordings do not nest");
    }
    saltBeforeRecording = random.restartSalts(0);
    recording = new Recording();
    return recording;
  }

  void stopRecording() {
    recording = null;
    random.restartSalts(saltBeforeRecording);
  }

  /** What the host does would happen once, while recording, and not in the program's runs. */
  void requireNotRecording(String advice) {
    if (recording != null) {
      throw new IllegalStateException("a program is being recorded: " + advice);
    }
  }

  /** Runs an instruction, or records it. */
  public void emit(Instruction instruction) {
    if (recording != null) {
      recording.add(instruction);
    } else {
      device.prepare(instruction).run();
      if (observer != null) {
        observer.accept(instruction);
      }
    }
  }

  /**
   * Shows every instruction that runs at once, and is not recorded, to an observer after it ran,
   * until the mode is closed. What the observer itself emits is not shown.
   */
  public Mode observe(Consumer<Instruction> watcher) {
    @Nullable Consumer<Instruction> before = observer;
    observer =
        instruction -> {
          @Nullable Consumer<Instruction> own = observer;
          observer = null;
          try {
            watcher.accept(instruction);
          } finally {
            observer = own;
          }
        };
    return () -> observer = before;
  }

  // ---- Creation ----

  /** A tensor of undefined content. */
  public Tensor empty(DType dtype, Shape shape) {
    long bytes = bytes(dtype, shape);
    if (recording != null) {
      return owning(recording.own(device.reserve(bytes, dtype)), dtype, shape);
    }
    Scope scope = currentScope();
    return scope.own(owning(device.allocate(bytes, dtype, scope.owner()), dtype, shape));
  }

  private Tensor owning(Storage storage, DType dtype, Shape shape) {
    return new Tensor(this, new Buffer(storage, dtype, Layout.contiguous(shape)), true);
  }

  /**
   * A tensor of zeros that outlives every scope and recording, until it is closed: parameters,
   * gradients, moments, inputs.
   *
   * @param owner in whose name its bytes are counted
   */
  public Tensor allocate(String owner, DType dtype, Shape shape) {
    Tensor tensor = owning(device.allocate(bytes(dtype, shape), dtype, owner), dtype, shape);
    return written(tensor, () -> device.prepare(new Instruction.Fill(tensor.buffer(), 0)).run());
  }

  /**
   * Gives a leaf a gradient of zeros, which lives until the leaf is closed; if a program that is
   * being recorded comes to nothing, so does its gradient. For automatic differentiation.
   */
  public Tensor allocateGradient(Tensor leaf) {
    Tensor gradient = allocate("gradients", leaf.dtype(), leaf.shape());
    leaf.setGrad(gradient);
    if (recording != null) {
      recording.madeGradient(leaf, gradient);
    }
    return gradient;
  }

  /**
   * A tensor of values that never change, which outlives every scope and recording until it is
   * closed: in the memory where they are, or a copy on a device that computes on other memory.
   *
   * @param owner in whose name the bytes of a copy are counted
   * @param values row-major, aligned by 64; they must be there as long as the tensor is used
   */
  public Tensor adopt(String owner, DType dtype, Shape shape, MemorySegment values) {
    Optional<Storage> inPlace = device.adopt(values);
    return inPlace.isPresent()
        ? owning(inPlace.get(), dtype, shape)
        : filled(owner, dtype, shape, memory -> memory.copyFrom(values));
  }

  /**
   * A tensor of values that are written once, which outlives every scope and recording until it is
   * closed.
   *
   * @param owner in whose name its bytes are counted
   * @param writer puts all elements, row-major, into memory of their size aligned by 64: the
   *     tensor's own on a device that computes on the host's
   */
  public Tensor filled(String owner, DType dtype, Shape shape, Consumer<MemorySegment> writer) {
    Tensor tensor = owning(device.allocate(bytes(dtype, shape), dtype, owner), dtype, shape);
    return written(tensor, () -> device.fill(tensor.buffer().storage(), writer));
  }

  /** A tensor after its first values were written; if that fails, it is freed. */
  private static Tensor written(Tensor tensor, Runnable writing) {
    try {
      writing.run();
      return tensor;
    } catch (RuntimeException | Error failure) {
      tensor.close();
      throw failure;
    }
  }

  /** A tensor of a size but without memory, which stands for one that is to come. */
  public Tensor placeholder(DType dtype, Shape shape) {
    return owning(device.reserve(bytes(dtype, shape), dtype), dtype, shape);
  }

  private static long bytes(DType dtype, Shape shape) {
    if (shape.size() > Long.MAX_VALUE / dtype.bytes()) {
      throw new IllegalArgumentException(
          "a tensor %s of %s needs more bytes than a long counts".formatted(shape, dtype));
    }
    return shape.size() * dtype.bytes();
  }

  /** A tensor of one value. */
  public Tensor full(DType dtype, Shape shape, double value) {
    Tensor tensor = empty(dtype, shape);
    emit(new Instruction.Fill(tensor.buffer(), value));
    return tensor;
  }

  /** An f32 tensor of zeros. */
  public Tensor zeros(int... dims) {
    return full(DType.F32, Shape.of(dims), 0);
  }

  /** An f32 tensor of ones. */
  public Tensor ones(int... dims) {
    return full(DType.F32, Shape.of(dims), 1);
  }

  /**
   * An f32 tensor of given values, row-major.
   *
   * @throws IllegalArgumentException if their number is not the shape's size
   */
  public Tensor tensor(float[] values, int... dims) {
    Tensor tensor = inputTensor(DType.F32, Shape.of(dims));
    tensor.set(values);
    return tensor;
  }

  /** An i32 tensor of given values, row-major. */
  public Tensor tensor(int[] values, int... dims) {
    Tensor tensor = inputTensor(DType.I32, Shape.of(dims));
    tensor.set(values);
    return tensor;
  }

  /** An f64 tensor of given values, row-major. */
  public Tensor tensor(double[] values, int... dims) {
    Tensor tensor = inputTensor(DType.F64, Shape.of(dims));
    tensor.set(values);
    return tensor;
  }

  /**
   * Begins to bring values to tensors, for runs of programs that come later: a device that has
   * memory of its own takes them while it computes. Any thread may call this.
   *
   * @param values all elements of each tensor, row-major in its type, as for {@link
   *     Tensor#set(MemorySegment)}; they must stay as they are until they are set
   * @return sets them; for the engine's thread, once, between runs
   * @throws IllegalArgumentException if a size does not fit, or a tensor is a view with gaps
   */
  public Runnable setAhead(Map<Tensor, MemorySegment> values) {
    List<Device.Write> writes = new ArrayList<>();
    values.forEach((tensor, elements) -> writes.add(tensor.writing(elements)));
    Runnable set = device.writeAhead(writes);
    return () -> {
      requireNotRecording("values from the host cannot enter it; set them before each run");
      set.run();
    };
  }

  private Tensor inputTensor(DType dtype, Shape shape) {
    requireNotRecording(
        "values from the host cannot enter it; make the tensor before recording, and set it before"
            + " each run");
    return empty(dtype, shape);
  }

  /**
   * Uniform random numbers in [low, high). On a device beyond the CPU's, and in 16-bit types,
   * rounding may give {@code high} itself.
   */
  public Tensor uniform(DType dtype, Shape shape, double low, double high) {
    return draw(Distribution.UNIFORM, dtype, shape, low, high);
  }

  /** Normal random numbers. */
  public Tensor normal(DType dtype, Shape shape, double mean, double deviation) {
    return draw(Distribution.NORMAL, dtype, shape, mean, deviation);
  }

  private Tensor draw(Distribution distribution, DType dtype, Shape shape, double a, double b) {
    Tensor tensor = empty(dtype, shape);
    random.fill(tensor, distribution, a, b);
    return tensor;
  }

  /**
   * Frees everything that no one closed yet, then closes the device. Closing twice does nothing.
   */
  @Override
  public void close() {
    while (!scopes.isEmpty()) {
      scopes.peek().close();
    }
    root.freeAll();
    random.close();
    device.close();
  }
}
