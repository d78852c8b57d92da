package org.freetransformer.gpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.WeakHashMap;
import java.util.function.Consumer;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.CpuDevice;
import org.freetransformer.tensor.device.Storage;
import org.freetransformer.tensor.memory.MemoryPool;
import org.freetransformer.tensor.memory.OffHeapStorage;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * The memory of a device: a storage is a place in one of three heaps, of f32, i32 and 16-bit
 * numbers, that host and device both have. f64 and bytes are the host's alone, but for f64 of
 * programs, which the device has as f32. A program that computes on bytes is refused.
 */
final class Heaps {
  /** Whole numbers are tokens, plans, positions: little beside the rest. */
  private static final int INT_SHARE = 16;

  private static final long LEAST_INTS = 1 << 20;

  private static final int CONSTANTS = 256;

  private final Arena arena;
  private final long words;
  private final MemoryPool pool;
  private final FloatArray floatArray;
  private final IntArray intArray;
  private final Heap floats;
  private final Heap ints;
  private @Nullable Heap halves;
  private Consumer<ShortArray> onHalves = _ -> {};
  private final Map<Storage, DType> reserved = new WeakHashMap<>();
  private final Map<Float, Integer> constants = new TreeMap<>();

  /**
   * Empty heaps.
   *
   * @param arena whose memory they are
   * @param bytes of f32
   * @param pool counts what is taken of them
   */
  Heaps(Arena arena, long bytes, MemoryPool pool) {
    this.arena = arena;
    this.words = bytes / Float.BYTES;
    this.pool = pool;
    MemorySegment floatMemory = Heap.memory(arena, words, Float.BYTES);
    MemorySegment intMemory =
        Heap.memory(arena, Math.max(words / INT_SHARE, LEAST_INTS), Integer.BYTES);
    this.floatArray = FloatArray.fromSegmentShallow(floatMemory);
    this.intArray = IntArray.fromSegmentShallow(intMemory);
    this.floats = new Heap(floatArray, floatMemory, Float.BYTES, "f32");
    this.ints = new Heap(intArray, intMemory, Integer.BYTES, "i32");
    floats.block(CONSTANTS * (long) Float.BYTES);
  }

  FloatArray floatArray() {
    return floatArray;
  }

  IntArray intArray() {
    return intArray;
  }

  Heap floats() {
    return floats;
  }

  Heap ints() {
    return ints;
  }

  /** Those that there are. */
  List<Heap> all() {
    return halves == null ? List.of(floats, ints) : List.of(floats, ints, halves);
  }

  /** What the host wrote of 16-bit numbers since the last call. */
  List<Heap.Range> takeWrittenHalves() {
    return halves == null ? List.of() : halves.takeWritten();
  }

  /** Who is told of the heap of 16-bit numbers, once there is one. */
  void onHalves(Consumer<ShortArray> told) {
    onHalves = told;
  }

  /** The heap of 16-bit numbers, as many as of f32; made when the first is. */
  private Heap halves() {
    if (halves == null) {
      MemorySegment memory = Heap.memory(arena, words, Short.BYTES);
      ShortArray array = ShortArray.fromSegmentShallow(memory);
      halves = new Heap(array, memory, Short.BYTES, "16-bit numbers");
      onHalves.accept(array);
    }
    return halves;
  }

  /** Makes sure of so many 16-bit numbers at their heap's end, as {@link Heap#scratch}. */
  int halvesScratch(long count) {
    return halves().scratch(count);
  }

  /** Takes a place. */
  Storage allocate(long bytes, DType dtype, String owner) {
    return switch (dtype) {
      case F32 -> pool.allocate(bytes, owner, floats);
      case I32 -> pool.allocate(bytes, owner, ints);
      case BF16, F16 -> pool.allocate(bytes, owner, halves());
      case F64, U8, I8 -> pool.allocate(bytes, owner);
    };
  }

  /** Notes the type of a storage that gets its place when its program is bound. */
  void reserve(Storage storage, DType dtype) {
    reserved.put(storage, dtype);
  }

  /** Whether a storage is a program's own. */
  boolean isReserved(Storage storage) {
    return reserved.containsKey(storage);
  }

  /** The type of a storage that is a program's own; all others are taken for f32. */
  DType dtype(Storage storage) {
    return reserved.getOrDefault(storage, DType.F32);
  }

  /**
   * Gives a program's storages their places. Each heap has a block with the plan's places of its
   * types, those of f64 as f32 in the first half of their place; whole numbers are few, and get
   * places of their own.
   */
  Storage bind(List<Storage> storages, long[] offsets, long bytes) {
    List<Storage> blocks = new ArrayList<>();
    try {
      bind(storages, offsets, blocks);
    } catch (OutOfMemoryError full) {
      blocks.forEach(Storage::close);
      throw full;
    }
    return new Bound(bytes, blocks, List.copyOf(storages));
  }

  private void bind(List<Storage> storages, long[] offsets, List<Storage> blocks) {
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
  }

  private Storage bind(List<Storage> storages, long[] offsets, Heap heap, Set<DType> dtypes) {
    Gaps gaps = new Gaps();
    for (int i = 0; i < offsets.length; i++) {
      if (dtypes.contains(dtype(storages.get(i)))) {
        gaps.use(offsets[i], wholeLines(storages.get(i).bytes()));
      }
    }
    OffHeapStorage block = pool.allocate(gaps.usedBytes(), "program", heap);
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

  /** Where a storage is, if it is in a heap at all. */
  Optional<Place> placeOf(Storage storage) {
    MemorySegment segment = ((OffHeapStorage) storage).segment();
    return all().stream()
        .filter(heap -> heap.contains(segment))
        .map(heap -> new Place(heap, heap.place(segment), heap.words(storage.bytes())))
        .findFirst();
  }

  /** The same of several; those that are in none are left out. */
  List<Place> placesOf(List<Storage> storages) {
    return storages.stream().flatMap(storage -> placeOf(storage).stream()).toList();
  }

  /**
   * The word at which a buffer's storage begins in its heap.
   *
   * @throws UnsupportedOperationException if it is in none
   */
  int place(Buffer buffer) {
    MemorySegment segment = CpuDevice.segment(buffer);
    return all().stream()
        .filter(heap -> heap.contains(segment))
        .mapToInt(heap -> heap.place(segment))
        .findFirst()
        .orElseThrow(() ->
            new UnsupportedOperationException(
                "the GPU device keeps f32, i32 and 16-bit numbers only; this is " + buffer));
  }

  /** The word at which a constant stands among the floats. */
  int constant(float value) {
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
}
