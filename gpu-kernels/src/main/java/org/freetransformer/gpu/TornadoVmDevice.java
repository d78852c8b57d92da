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
import java.util.TreeMap;
import java.util.WeakHashMap;
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
import org.freetransformer.tensor.memory.MemoryPool;
import org.freetransformer.tensor.memory.OffHeapStorage;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

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
  /** System property: bytes of device memory for tensors of f32. */
  public static final String MEMORY_PROPERTY = "ft.gpu.memory";

  private static final long DEFAULT_MEMORY = 1L << 30;

  /** Whole numbers are tokens, plans, positions: little beside the rest. */
  private static final int INT_SHARE = 16;

  private static final long LEAST_INTS = 1 << 20;

  private static final int CONSTANTS = 256;

  /** Devices of a process that TornadoVM's limit has room for: each rank opens one. */
  private static final long MOST_OPEN = 16;

  /** Work items of one launch of multiply-adds, each with a number of its own. */
  private static final int MOST_ITEMS = 1 << 22;

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

  private static long memorySize() {
    return Long.getLong(MEMORY_PROPERTY, DEFAULT_MEMORY);
  }

  private final String name;
  private final long memorySize = memorySize();
  private final Arena arena = Arena.ofShared();
  private final Heap floats;
  private final Heap ints;
  private final FloatArray floatArray;
  private final IntArray intArray;
  private @Nullable Heap halves;
  private @Nullable ShortArray halfArray;
  private final Device host;
  private final TaskGraphs graphs;
  private final Map<Storage, DType> reserved = new WeakHashMap<>();
  private final Map<Float, Integer> constants = new TreeMap<>();
  private final Set<Storage> newerOnDevice = Collections.newSetFromMap(new IdentityHashMap<>());

  /**
   * Opens a device.
   *
   * @param name as the user called it
   * @param device TornadoVM's, or null for its default
   * @param threads of the host, for instructions outside of programs
   */
  TornadoVmDevice(String name, @Nullable TornadoDevice device, int threads) {
    this.name = name;
    long words = memorySize / Float.BYTES;
    MemorySegment floatMemory = Heap.memory(arena, words, Float.BYTES);
    MemorySegment intMemory =
        Heap.memory(arena, Math.max(words / INT_SHARE, LEAST_INTS), Integer.BYTES);
    this.floatArray = FloatArray.fromSegmentShallow(floatMemory);
    this.intArray = IntArray.fromSegmentShallow(intMemory);
    this.floats = new Heap(floatArray, floatMemory, Float.BYTES, "f32");
    this.ints = new Heap(intArray, intMemory, Integer.BYTES, "i32");
    floats.block(CONSTANTS * (long) Float.BYTES);
    this.host = Devices.cpu(threads);
    this.graphs = new TaskGraphs(floatArray, intArray, device);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String description() {
    return "TornadoVM task graphs on %s; %d MiB for tensors"
        .formatted(name, memorySize / (1 << 20));
  }

  /** What moved between host and device so far. */
  Traffic traffic() {
    return graphs.traffic();
  }

  // ---- Memory ----

  @Override
  public Storage allocate(long bytes, DType dtype, String owner) {
    return switch (dtype) {
      case F32 -> memory().allocate(bytes, owner, floats);
      case I32 -> memory().allocate(bytes, owner, ints);
      case BF16, F16 -> memory().allocate(bytes, owner, halves());
      case F64, U8, I8 -> memory().allocate(bytes, owner);
    };
  }

  /** The heap of 16-bit numbers, as many as of f32; made when the first is. */
  private Heap halves() {
    if (halves == null) {
      MemorySegment memory = Heap.memory(arena, memorySize / Float.BYTES, Short.BYTES);
      halfArray = ShortArray.fromSegmentShallow(memory);
      halves = new Heap(halfArray, memory, Short.BYTES, "16-bit numbers");
      graphs.keepHalvesIn(halfArray);
    }
    return halves;
  }

  @Override
  public Storage reserve(long bytes, DType dtype) {
    Storage storage = super.reserve(bytes, dtype);
    reserved.put(storage, dtype);
    return storage;
  }

  /**
   * Each heap has a block with the plan's places of its types, those of f64 as f32 in the first
   * half of their place; whole numbers are few, and get places of their own.
   */
  @Override
  public Storage bind(List<Storage> storages, long[] offsets, long bytes) {
    List<Storage> blocks = new ArrayList<>();
    blocks.add(bind(storages, offsets, floats, Set.of(DType.F32, DType.F64)));
    Set<DType> ofHalves = Set.of(DType.BF16, DType.F16);
    if (storages.stream().anyMatch(storage -> ofHalves.contains(dtype(storage)))) {
      blocks.add(bind(storages, offsets, halves(), ofHalves));
    }
    for (Storage storage : storages) {
      DType dtype = dtype(storage);
      if (dtype == DType.I32 || dtype == DType.U8 || dtype == DType.I8) {
        OffHeapStorage own = (OffHeapStorage) allocate(storage.bytes(), dtype, "program");
        blocks.add(own);
        ((OffHeapStorage) storage).bind(own.segment());
      }
    }
    return new Bound(bytes, blocks, List.copyOf(storages));
  }

  private DType dtype(Storage storage) {
    return reserved.getOrDefault(storage, DType.F32);
  }

  private Storage bind(List<Storage> storages, long[] offsets, Heap heap, Set<DType> dtypes) {
    Gaps gaps = new Gaps();
    for (int i = 0; i < offsets.length; i++) {
      if (dtypes.contains(dtype(storages.get(i)))) {
        gaps.use(offsets[i], wholeLines(storages.get(i).bytes()));
      }
    }
    OffHeapStorage block = memory().allocate(gaps.usedBytes(), "program", heap);
    for (int i = 0; i < offsets.length; i++) {
      OffHeapStorage storage = (OffHeapStorage) storages.get(i);
      if (dtypes.contains(dtype(storage))) {
        long offset = gaps.without(offsets[i]);
        storage.bind(block.segment().asSlice(offset, wholeLines(storage.bytes())));
      }
    }
    return block;
  }

  private static long wholeLines(long bytes) {
    return Math.ceilDiv(bytes, MemoryPool.ALIGNMENT) * (long) MemoryPool.ALIGNMENT;
  }

  /** A program's memory; closed, it closes the storages within. */
  private record Bound(long bytes, List<Storage> blocks, List<Storage> parts) implements Storage {
    @Override
    public boolean isAlive() {
      return blocks.getFirst().isAlive();
    }

    @Override
    public void close() {
      parts.forEach(Storage::close);
      blocks.forEach(Storage::close);
    }
  }

  @Override
  public void write(Storage target, long offset, MemorySegment source) {
    toHost(target);
    super.write(target, offset, source);
    placeOf(target).ifPresent(place -> place.wrote(offset, source.byteSize()));
  }

  @Override
  public Runnable writeAhead(List<Write> writes) {
    List<Landing.Piece> floatPieces = pieces(writes, floats);
    List<Landing.Piece> intPieces = pieces(writes, ints);
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
          wrote(one.target());
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
    if (reserved.get(source) == DType.F64) {
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
      placeOf(storage).ifPresent(this::download);
    }
  }

  private void wrote(Storage storage) {
    placeOf(storage).ifPresent(Place::wrote);
  }

  /** Where a storage is, if it is in a heap at all. */
  private Optional<Place> placeOf(Storage storage) {
    MemorySegment segment = ((OffHeapStorage) storage).segment();
    return heaps().stream()
        .filter(heap -> heap.contains(segment))
        .map(heap -> new Place(heap, heap.place(segment), heap.words(storage.bytes())))
        .findFirst();
  }

  private void download(Place place) {
    graphs.download(place.heap().array(), place.start(), place.words());
  }

  private List<Heap> heaps() {
    return halves == null ? List.of(floats, ints) : List.of(floats, ints, halves);
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
      results.stream().filter(reserved::containsKey).forEach(newerOnDevice::remove);
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
    List<Place> fetched = places(fromProgram);
    List<Place> changed = call.begins() ? List.of() : places(storages(call.writes()));
    Map<Buffer, Widened> widened = new LinkedHashMap<>();
    List<MemorySegment> elements = new ArrayList<>();
    for (Buffer operand : operands) {
      boolean isNarrow = operand.dtype() == DType.F64 && reserved.containsKey(operand.storage());
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

  private List<Place> places(List<Storage> storages) {
    return storages.stream().flatMap(storage -> placeOf(storage).stream()).toList();
  }

  @Override
  public Optional<Ceiling> ceiling() {
    return Optional.of(
        new Ceiling() {
          @Override
          public Kernel arithmetic(double flops) {
            double items = Math.max(1, flops / CeilingKernels.FLOPS);
            int launches = (int) Math.ceil(items / MOST_ITEMS);
            int each = (int) Math.ceil(items / launches);
            // Whole groups: an item more than there are numbers would write elsewhere.
            Storage out = zeros(Math.ceilDiv(each, Groups.SIZE) * Groups.SIZE);
            Args args = new Args().add(place(out));
            Launch launch = Launch.items(CeilingKernels::multiplyAdds, each, args, 0.5, 0.5);
            return onDevice(Collections.nCopies(launches, launch), List.of(out), List.of(out));
          }

          @Override
          public Kernel copy(long bytes) {
            int words = Groups.SIZE * CeilingKernels.WORDS;
            int groups = Math.toIntExact(Math.ceilDiv(bytes / 2, (long) Float.BYTES * words));
            Storage in = zeros(groups * words);
            Storage out = zeros(groups * words);
            Args args = new Args().add(place(in), place(out));
            Launch launch = Launch.groups(CeilingKernels::copy, groups, args, 0, 0);
            return onDevice(List.of(launch), List.of(out), List.of(out));
          }
        });
  }

  private Storage zeros(int words) {
    return allocate((long) Float.BYTES * words, DType.F32, "ceiling");
  }

  private int place(Storage storage) {
    return floats.place(((OffHeapStorage) storage).segment());
  }

  /** A part of a program that has these results. */
  private Kernel onDevice(List<Instruction> instructions, List<Storage> results) {
    Lowering lowering = new Lowering(this::place, this::constant, floats::scratch);
    List<Launch> launches = new ArrayList<>();
    for (Instruction instruction : instructions) {
      launches.addAll(lowering.launches(instruction));
    }
    return onDevice(launches, written(instructions), results);
  }

  /**
   * Launches.
   *
   * @param written by them
   * @param results of the program that they are part of: they are kept as long as these
   */
  private Kernel onDevice(List<Launch> launches, List<Storage> written, List<Storage> results) {
    TaskGraphs.Graphs program = graphs.add(launches, results);
    return () -> {
      toDevice();
      graphs.run(program);
      written.stream().filter(Storage::isAlive).forEach(newerOnDevice::add);
    };
  }

  private void toDevice() {
    if (graphs.isStale() && !graphs.extend()) {
      List.copyOf(newerOnDevice).forEach(this::toHost);
      heaps().forEach(Heap::takeWritten);
      graphs.plan();
    } else {
      graphs.moveLanded();
      graphs.upload(
          floats.takeWritten(),
          ints.takeWritten(),
          halves == null ? List.of() : halves.takeWritten());
    }
  }

  private static List<Storage> storages(List<Buffer> buffers) {
    return buffers.stream().map(Buffer::storage).distinct().toList();
  }

  private int place(Buffer buffer) {
    MemorySegment segment = segment(buffer);
    return heaps().stream()
        .filter(heap -> heap.contains(segment))
        .mapToInt(heap -> heap.place(segment))
        .findFirst()
        .orElseThrow(() ->
            new UnsupportedOperationException(
                "the GPU device keeps f32, i32 and 16-bit numbers only; this is " + buffer));
  }

  private int constant(float value) {
    return constants.computeIfAbsent(
        value,
        _ -> {
          int place = constants.size();
          if (place == CONSTANTS) {
            throw new IllegalStateException(
                "more than %d different constants".formatted(CONSTANTS));
          }
          floatArray.set(place, value);
          floats.wrote(place, place + 1);
          return place;
        });
  }

  @Override
  public void close() {
    graphs.close();
    host.close();
    super.close();
    arena.close();
  }
}
