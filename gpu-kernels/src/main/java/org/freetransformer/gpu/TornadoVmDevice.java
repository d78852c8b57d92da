package org.freetransformer.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Ceiling;
import org.freetransformer.tensor.device.CpuDevice;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Instruction.HostCall;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.Storage;
import org.freetransformer.tensor.memory.OffHeapStorage;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoDeviceType;

/**
 * A device of TornadoVM, computing in f32: recorded programs run on it as task graphs, on
 * parameters and activations that stay there. A single instruction outside of a program (drawing
 * initial weights, say) is computed on the host, whose copy of the device's heaps follows on
 * demand.
 *
 * <p>What lies where: a storage is a place in one of three heaps, f32, i32 and 16-bit numbers, that
 * host and device both have. Programs make places newer on the device; host writes and single
 * instructions make them newer on the host. Before a program runs, what the host wrote goes to the
 * device; before the host reads, what programs wrote comes back, and nothing else does.
 */
public final class TornadoVmDevice extends CpuDevice {
  /** System property: device memory for tensors of f32, as {@link HeapSize} reads it. */
  public static final String MEMORY_PROPERTY = "ft.gpu.memory";

  private static final long DEFAULT_MEMORY = 1L << 30;

  /** Devices of a process that TornadoVM's limit has room for: each rank opens one. */
  private static final long MOST_OPEN = 16;

  /**
   * Sets what TornadoVM reads once, when it starts: a program is hundreds of tasks, and a task that
   * cannot be compiled must not quietly run as Java.
   */
  static void configure() {
    setUnlessGiven("tornado.tvm.maxbytecodesize", Integer.toString(1 << 20));
    setUnlessGiven("tornado.recover.bailout", "False");
    setUnlessGiven(
        "tornado.device.memory", Long.toString(MOST_OPEN * (2 * memorySize() + (64L << 20))));
  }

  private static void setUnlessGiven(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  /**
   * Bytes of device memory for tensors of f32.
   *
   * @throws IllegalArgumentException if {@link #MEMORY_PROPERTY} is not a size that is allowed
   */
  static long memorySize() {
    String given = System.getProperty(MEMORY_PROPERTY);
    return given == null ? DEFAULT_MEMORY : HeapSize.parse("-D" + MEMORY_PROPERTY, given);
  }

  private final String name;
  private final long memorySize;
  private final Arena arena = Arena.ofShared();
  private final Heaps heaps;
  private final Device host;
  private final TaskGraphs graphs;
  private final TensorCores tensorCores;
  private final CuBlas cuBlas;
  private final int panelWords;
  private final boolean isGpu;
  final Set<Storage> newerOnDevice = // Seen by tests.
      Collections.newSetFromMap(new IdentityHashMap<>());

  /**
   * Opens a device.
   *
   * @param name as the user called it
   * @param device TornadoVM's, or null for its default
   * @param threads of the host, for instructions outside of programs
   */
  static TornadoVmDevice open(String name, @Nullable TornadoDevice device, int threads) {
    String backend = name.replaceFirst(":.*", "");
    TensorCores noCores = TensorCores.all("for a trial");
    CuBlas noLibrary = CuBlas.not("for a trial");
    Supplier<Device> plain = () -> small(name, device, noCores, noLibrary);
    TensorCores tensorCores =
        TensorCores.choose(
            backend,
            new ProductTrial(plain, () -> small(name, device, TensorCores.all(""), noLibrary))
                ::problem);
    ProductTrial ofLibrary =
        new ProductTrial(plain, () -> small(name, device, noCores, CuBlas.always()));
    CuBlas cuBlas = CuBlas.choose(backend, () -> ofLibrary.problem(DType.F32));
    return new TornadoVmDevice(name, device, threads, memorySize(), tensorCores, cuBlas);
  }

  private static Device small(
      String name, @Nullable TornadoDevice device, TensorCores tensorCores, CuBlas cuBlas) {
    return new TornadoVmDevice(name, device, 1, ProductTrial.MEMORY, tensorCores, cuBlas);
  }

  /**
   * Opens a device.
   *
   * @param memorySize bytes for f32
   * @param tensorCores which products go to tensor cores
   * @param cuBlas which of the others go to cuBLAS
   * @throws OutOfMemoryError if the host has no such memory; none of it is kept
   */
  TornadoVmDevice(
      String name,
      @Nullable TornadoDevice device,
      int threads,
      long memorySize,
      TensorCores tensorCores,
      CuBlas cuBlas) {
    this.name = name;
    this.memorySize = memorySize;
    this.tensorCores = tensorCores;
    this.cuBlas = cuBlas;
    this.isGpu = device != null && device.getDeviceType() == TornadoDeviceType.GPU;
    this.panelWords = cuBlas.panelWords(memorySize / Float.BYTES);
    try {
      this.heaps = new Heaps(arena, memorySize, memory());
      this.graphs = new TaskGraphs(heaps.floatArray(), heaps.intArray(), device);
      heaps.onHalves(graphs::keepHalvesIn);
      this.host = Devices.cpu(threads); // Last: before it, there is nothing to close but memory.
    } catch (RuntimeException | Error failure) {
      arena.close();
      throw failure;
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String description() {
    return "TornadoVM task graphs on %s; %d MiB for tensors; %s; %s"
        .formatted(name, memorySize / (1 << 20), tensorCores.description(), cuBlas.description());
  }

  /** What moved between host and device so far. */
  Traffic traffic() {
    return graphs.traffic();
  }

  // ---- Memory ----

  @Override
  public Storage allocate(long bytes, DType dtype, String owner) {
    return heaps.allocate(bytes, dtype, owner);
  }

  @Override
  public Storage reserve(long bytes, DType dtype) {
    Storage storage = super.reserve(bytes, dtype);
    heaps.reserve(storage, dtype);
    return storage;
  }

  @Override
  public Storage bind(List<Storage> storages, long[] offsets, long bytes) {
    return heaps.bind(storages, offsets, bytes);
  }

  @Override
  public void write(Storage target, long offset, MemorySegment source) {
    toHost(target);
    super.write(target, offset, source);
    wrote(target, offset, source);
  }

  private void wrote(Storage target, long offset, MemorySegment source) {
    heaps.placeOf(target).ifPresent(place -> place.wrote(offset, source.byteSize()));
  }

  @Override
  public Runnable writeAhead(List<Write> writes) {
    List<Landing.Piece> floatPieces = pieces(writes, heaps.floats());
    List<Landing.Piece> intPieces = pieces(writes, heaps.ints());
    if (floatPieces.size() + intPieces.size() < writes.size()) {
      return super.writeAhead(writes);
    }
    Landing.Load load = new Landing.Load(floatPieces, intPieces);
    graphs.landing().begin(load);
    return () -> {
      boolean landed = graphs.landing().take(load);
      for (Write one : writes) {
        toHost(one.target());
        super.write(one.target(), one.offset(), one.source());
        if (!landed) {
          wrote(one.target(), one.offset(), one.source());
        }
      }
    };
  }

  /** Those of whole words in a heap. */
  private static List<Landing.Piece> pieces(List<Write> writes, Heap heap) {
    List<Landing.Piece> pieces = new ArrayList<>();
    for (Write one : writes) {
      MemorySegment segment = ((OffHeapStorage) one.target()).segment();
      if (heap.contains(segment) && one.offset() % Float.BYTES == 0) {
        int place = heap.place(segment) + heap.words(one.offset());
        pieces.add(new Landing.Piece(place, one.source()));
      }
    }
    return pieces;
  }

  @Override
  public void read(Storage source, long offset, MemorySegment target) {
    toHost(source);
    if (heaps.dtype(source) == DType.F64) {
      readWidened(((OffHeapStorage) source).segment(), offset, target);
    } else {
      super.read(source, offset, target);
    }
  }

  /** A program's f64 results, which the device has as f32. */
  private static void readWidened(MemorySegment floats, long offset, MemorySegment target) {
    long first = offset / Double.BYTES;
    for (long i = 0; i < target.byteSize() / Double.BYTES; i++) {
      double value = floats.getAtIndex(ValueLayout.JAVA_FLOAT, first + i);
      target.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, i * Double.BYTES, value);
    }
  }

  private void toHost(Storage storage) {
    if (newerOnDevice.remove(storage) && storage.isAlive()) {
      heaps.placeOf(storage).ifPresent(this::download);
    }
  }

  private void wrote(Storage storage) {
    heaps.placeOf(storage).ifPresent(Place::wrote);
  }

  private void download(Place place) {
    graphs.download(place.heap().array(), place.start(), place.words());
  }

  // ---- Computing ----

  /** One instruction, on the host. */
  @Override
  public Kernel prepare(Instruction instruction) {
    Kernel kernel = host.prepare(instruction);
    List<Storage> read = storages(instruction.reads());
    List<Storage> written = storages(instruction.writes());
    return () -> {
      read.forEach(this::toHost);
      written.forEach(this::toHost); // What is not written of it must not be lost.
      kernel.run();
      written.forEach(this::wrote);
    };
  }

  /** A program, on the device but for what it calls on the host. */
  @Override
  public Kernel prepare(List<Instruction> instructions) {
    List<Storage> results = written(instructions);
    Set<Storage> newer = Collections.newSetFromMap(new IdentityHashMap<>());
    List<Kernel> kernels = new ArrayList<>();
    int from = 0;
    for (int i = 0; i <= instructions.size(); i++) {
      Instruction next = i == instructions.size() ? null : instructions.get(i);
      if (next == null || next instanceof HostCall) {
        List<Instruction> part = instructions.subList(from, i);
        if (!part.isEmpty()) {
          kernels.add(onDevice(part, results));
          newer.addAll(written(part));
        }
        if (next instanceof HostCall call) {
          kernels.add(onHost(call, newer));
        }
        from = i + 1;
      }
    }
    if (kernels.size() == 1) {
      return kernels.getFirst();
    }
    return () -> {
      // A result of the last run may lie where something else comes first, which the host writes.
      results.stream().filter(heaps::isReserved).forEach(newerOnDevice::remove);
      kernels.forEach(Kernel::run);
    };
  }

  private static List<Storage> written(List<Instruction> instructions) {
    return storages(instructions.stream().flatMap(one -> one.writes().stream()).toList());
  }

  /**
   * What the host does in the midst of a program, with its copies of the operands. When a program
   * runs, most of its own storages are closed to all others, so where they lie, and who wrote them
   * last, is found out here.
   *
   * @param newer what the program wrote on the device and the host does not have; without the
   *     operands afterwards
   */
  private Kernel onHost(HostCall call, Set<Storage> newer) {
    List<Buffer> operands = Stream.concat(call.reads().stream(), call.writes().stream()).toList();
    List<Storage> used = storages(operands);
    List<Storage> fromProgram = used.stream().filter(newer::remove).toList();
    List<Place> fetched = heaps.placesOf(fromProgram);
    List<Place> changed = call.begins() ? List.of() : heaps.placesOf(storages(call.writes()));
    Map<Buffer, Widened> widened = new LinkedHashMap<>();
    List<MemorySegment> elements = new ArrayList<>();
    for (Buffer operand : operands) {
      boolean isNarrow = operand.dtype() == DType.F64 && heaps.isReserved(operand.storage());
      elements.add(
          isNarrow
              ? widened.computeIfAbsent(operand, one -> Widened.of(one, arena)).wide()
              : elements(operand));
    }
    Kernel body = call.body().apply(elements);
    return () -> {
      fromProgram.forEach(newerOnDevice::remove);
      fetched.forEach(this::download);
      used.forEach(this::toHost);
      widened.values().forEach(Widened::widen);
      body.run();
      widened.values().forEach(Widened::narrow);
      changed.forEach(Place::wrote);
    };
  }

  @Override
  public Optional<Ceiling> ceiling() {
    return Optional.of(
        new GpuCeiling(
            heaps, isGpu, (launches, out) -> onDevice(launches, List.of(out), List.of(out))));
  }

  /** A part of a program that has these results. */
  private Kernel onDevice(List<Instruction> instructions, List<Storage> results) {
    Lowering lowering =
        new Lowering(
            heaps::place,
            heaps::constant,
            heaps.floats()::scratch,
            heaps::halvesScratch,
            tensorCores,
            cuBlas,
            panelWords,
            () -> graphs.needPanels(panelWords));
    List<Step> steps = new ArrayList<>();
    for (Instruction instruction : instructions) {
      steps.addAll(lowering.steps(instruction));
    }
    return onDevice(steps, written(instructions), results);
  }

  /**
   * Steps.
   *
   * @param written by them
   * @param results of the program that they are part of: they are kept as long as these
   */
  private Kernel onDevice(
      List<? extends Step> steps, List<Storage> written, List<Storage> results) {
    TaskGraphs.Graphs program = graphs.add(steps, results);
    return () -> {
      toDevice();
      graphs.run(program);
      written.stream().filter(Storage::isAlive).forEach(newerOnDevice::add);
    };
  }

  private void toDevice() {
    if (graphs.isStale()) { // Programs came, and others may have gone with their results.
      newerOnDevice.removeIf(storage -> !storage.isAlive());
    }
    if (graphs.isStale() && !graphs.extend()) {
      List.copyOf(newerOnDevice).forEach(this::toHost);
      heaps.all().forEach(Heap::takeWritten);
      graphs.plan();
    } else {
      graphs.moveLanded();
      graphs.upload(
          heaps.floats().takeWritten(), heaps.ints().takeWritten(), heaps.takeWrittenHalves());
    }
  }

  private static List<Storage> storages(List<Buffer> buffers) {
    return buffers.stream().map(Buffer::storage).distinct().toList();
  }

  @Override
  public void close() {
    try {
      graphs.close();
    } finally { // A driver that fails must not keep the heaps.
      host.close();
      super.close();
      arena.close();
    }
  }
}
