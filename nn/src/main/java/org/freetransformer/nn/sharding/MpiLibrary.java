package org.freetransformer.nn.sharding;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;
import java.util.Map;

/**
 * The installed MPI library, Open MPI or MPICH, called without compiled glue. In the first, handles
 * of communicators, types and operations are addresses; in the second, integers: here both are
 * longs.
 */
final class MpiLibrary {
  private static final int THREAD_MULTIPLE = 3;

  /** Stands for a handle of whatever type the library has. */
  private static final MemoryLayout HANDLE = ADDRESS.withName("handle");

  private final MethodHandle commRank;
  private final MethodHandle commSize;
  private final MethodHandle commSplit;
  private final MethodHandle allGather;
  private final MethodHandle allToAll;
  private final MethodHandle allToAllPieces;
  private final MethodHandle allReduce;
  private final MethodHandle broadcast;
  private final MethodHandle barrier;
  private final MethodHandle abort;
  private final MethodHandle finish;
  private final MethodHandle init;
  private final Flavour flavour;
  private final SymbolLookup symbols;

  // Handles of the library's own objects, looked up once: small calls are made often.
  private final long world;
  private final long floats;
  private final long bytes;
  private final long sum;

  /** What the two libraries do differently. */
  private enum Flavour {
    OPEN_MPI("libmpi.so.40", ADDRESS, 1),
    MPICH("libmpich.so.12", JAVA_INT, -1);

    final String file;

    @SuppressWarnings("ImmutableEnumChecker") // Layouts do not change.
    final MemoryLayout handle;

    final long inPlace;

    Flavour(String file, MemoryLayout handle, long inPlace) {
      this.file = file;
      this.handle = handle;
      this.inPlace = inPlace;
    }

    /** The library whose launcher started this process. */
    static Flavour ofLauncher(Map<String, String> environment) {
      if (environment.containsKey("OMPI_COMM_WORLD_RANK")) {
        return OPEN_MPI;
      }
      if (environment.containsKey("PMI_RANK")) {
        return MPICH;
      }
      throw new IllegalArgumentException(
          "this process is no MPI rank: start it with mpirun, as in mpirun -n 2 ./ft train"
              + " --distributed mpi");
    }
  }

  private MpiLibrary(Flavour flavour) {
    this.flavour = flavour;
    this.symbols = load(flavour.file);
    init = function("MPI_Init_thread", ADDRESS, ADDRESS, JAVA_INT, ADDRESS);
    commRank = function("MPI_Comm_rank", HANDLE, ADDRESS);
    commSize = function("MPI_Comm_size", HANDLE, ADDRESS);
    commSplit = function("MPI_Comm_split", HANDLE, JAVA_INT, JAVA_INT, ADDRESS);
    allGather =
        function("MPI_Allgather", ADDRESS, JAVA_INT, HANDLE, ADDRESS, JAVA_INT, HANDLE, HANDLE);
    allToAll =
        function("MPI_Alltoall", ADDRESS, JAVA_INT, HANDLE, ADDRESS, JAVA_INT, HANDLE, HANDLE);
    allToAllPieces =
        function(
            "MPI_Alltoallv",
            ADDRESS,
            ADDRESS,
            ADDRESS,
            HANDLE,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            HANDLE,
            HANDLE);
    allReduce = function("MPI_Allreduce", ADDRESS, ADDRESS, JAVA_INT, HANDLE, HANDLE, HANDLE);
    broadcast = function("MPI_Bcast", ADDRESS, JAVA_INT, HANDLE, JAVA_INT, HANDLE);
    barrier = function("MPI_Barrier", HANDLE);
    abort = function("MPI_Abort", HANDLE, JAVA_INT);
    finish = function("MPI_Finalize");
    world = constant("ompi_mpi_comm_world", 0x44000000);
    floats = constant("ompi_mpi_float", 0x4c00040a);
    bytes = constant("ompi_mpi_byte", 0x4c00010d);
    sum = constant("ompi_mpi_op_sum", 0x58000003);
  }

  /**
   * Loads the library of the launcher that started this process, and joins the other ranks.
   *
   * @throws IllegalArgumentException if no launcher started it, or the library is not installed
   */
  static MpiLibrary start() {
    Flavour flavour = Flavour.ofLauncher(System.getenv());
    if (flavour == Flavour.MPICH) {
      keepSignals();
    }
    MpiLibrary library = new MpiLibrary(flavour);
    library.initialise();
    return library;
  }

  @SuppressWarnings("restricted") // The one place where a native library is loaded.
  private static SymbolLookup load(String file) {
    try {
      return SymbolLookup.libraryLookup(file, Arena.global());
    } catch (IllegalArgumentException missing) {
      throw new IllegalArgumentException(
          "the MPI library %s is not installed; Debian has it in openmpi-bin, or in mpich"
              .formatted(file),
          missing);
    }
  }

  /** MPICH's transport UCX takes the signal that a JVM lives by, unless told not to. */
  @SuppressWarnings("restricted")
  private static void keepSignals() {
    Linker linker = Linker.nativeLinker();
    MethodHandle setenv =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("setenv"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      int _ =
          (int)
              setenv.invokeExact(
                  arena.allocateFrom("UCX_ERROR_SIGNALS"), arena.allocateFrom(""), 1);
    } catch (Throwable problem) {
      throw new IllegalStateException("setenv failed", problem);
    }
  }

  /**
   * A function whose handles are passed as longs.
   *
   * @param parameters {@link #HANDLE} where one is taken
   */
  @SuppressWarnings("restricted")
  private MethodHandle function(String name, MemoryLayout... parameters) {
    MemoryLayout[] own =
        Arrays.stream(parameters)
            .map(type -> type.equals(HANDLE) ? flavour.handle : type)
            .toArray(MemoryLayout[]::new);
    MethodHandle function =
        Linker.nativeLinker()
            .downcallHandle(symbols.findOrThrow(name), FunctionDescriptor.of(JAVA_INT, own));
    MethodHandle fromLong = fromLong();
    for (int i = 0; i < parameters.length; i++) {
      if (parameters[i].equals(HANDLE)) {
        function = MethodHandles.filterArguments(function, i, fromLong);
      }
    }
    return function;
  }

  private MethodHandle fromLong() {
    try {
      return flavour == Flavour.OPEN_MPI
          ? MethodHandles.lookup()
              .findStatic(
                  MemorySegment.class,
                  "ofAddress",
                  MethodType.methodType(MemorySegment.class, long.class))
          : MethodHandles.explicitCastArguments(
              MethodHandles.identity(int.class), MethodType.methodType(int.class, long.class));
    } catch (ReflectiveOperationException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private void initialise() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment provided = arena.allocate(JAVA_INT);
      check(
          "MPI_Init_thread",
          (int)
              init.invokeExact(MemorySegment.NULL, MemorySegment.NULL, THREAD_MULTIPLE, provided));
      if (provided.get(JAVA_INT, 0) < THREAD_MULTIPLE) {
        throw new IllegalStateException(
            "this MPI library cannot be called by several threads (it grants level %d, 3 is"
                    .formatted(provided.get(JAVA_INT, 0))
                + " needed)");
      }
    } catch (Throwable problem) {
      throw failure("MPI_Init_thread", problem);
    }
  }

  // ---- Handles ----

  long world() {
    return world;
  }

  private long constant(String symbol, int number) {
    return flavour == Flavour.OPEN_MPI ? symbols.findOrThrow(symbol).address() : number;
  }

  // ---- Calls ----

  int rank(long communicator) {
    return number("MPI_Comm_rank", commRank, communicator);
  }

  int size(long communicator) {
    return number("MPI_Comm_size", commSize, communicator);
  }

  private static int number(String name, MethodHandle function, long communicator) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(JAVA_INT);
      check(name, (int) function.invokeExact(communicator, result));
      return result.get(JAVA_INT, 0);
    } catch (Throwable problem) {
      throw failure(name, problem);
    }
  }

  long split(long communicator, int color, int key) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment part = arena.allocate(ValueLayout.JAVA_LONG);
      check("MPI_Comm_split", (int) commSplit.invokeExact(communicator, color, key, part));
      return flavour == Flavour.OPEN_MPI
          ? part.get(ValueLayout.JAVA_LONG, 0)
          : part.get(JAVA_INT, 0);
    } catch (Throwable problem) {
      throw failure("MPI_Comm_split", problem);
    }
  }

  /** Puts all ranks' memory side by side; {@code mine} may be its place in {@code all}. */
  void allGather(long communicator, MemorySegment mine, MemorySegment all) {
    long type = typeOf(mine);
    int count = countOf(mine);
    boolean isInPlace = all.asOverlappingSlice(mine).isPresent();
    MemorySegment from = isInPlace ? MemorySegment.ofAddress(flavour.inPlace) : mine;
    try {
      check(
          "MPI_Allgather",
          (int) allGather.invokeExact(from, count, type, all, count, type, communicator));
    } catch (Throwable problem) {
      throw failure("MPI_Allgather", problem);
    }
  }

  /** Sends to each rank its part, and receives from each one its. */
  void allToAll(long communicator, MemorySegment sent, MemorySegment received, int ranks) {
    MemorySegment part = sent.asSlice(0, sent.byteSize() / ranks);
    long type = typeOf(part);
    int count = countOf(part);
    try {
      check(
          "MPI_Alltoall",
          (int) allToAll.invokeExact(sent, count, type, received, count, type, communicator));
    } catch (Throwable problem) {
      throw failure("MPI_Alltoall", problem);
    }
  }

  /**
   * Sends to each rank a piece of its part of f32 numbers, and receives from each one its.
   *
   * @param sent parts one after the other
   * @param part elements of a part
   * @param from where the piece begins in its part
   * @param n elements of the piece
   * @param received takes a piece of each rank
   */
  void allToAll(
      long communicator, MemorySegment sent, long part, long from, long n, MemorySegment received) {
    int ranks = Math.toIntExact(sent.byteSize() / Float.BYTES / part);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment counts = arena.allocate(JAVA_INT, ranks);
      MemorySegment places = arena.allocate(JAVA_INT, ranks);
      MemorySegment targets = arena.allocate(JAVA_INT, ranks);
      for (int rank = 0; rank < ranks; rank++) {
        counts.setAtIndex(JAVA_INT, rank, Math.toIntExact(n));
        places.setAtIndex(JAVA_INT, rank, Math.toIntExact(rank * part + from));
        targets.setAtIndex(JAVA_INT, rank, Math.toIntExact(rank * n));
      }
      check(
          "MPI_Alltoallv",
          (int)
              allToAllPieces.invokeExact(
                  sent, counts, places, floats, received, counts, targets, floats, communicator));
    } catch (Throwable problem) {
      throw failure("MPI_Alltoallv", problem);
    }
  }

  void allReduceFloats(long communicator, MemorySegment values) {
    try {
      check(
          "MPI_Allreduce",
          (int)
              allReduce.invokeExact(
                  MemorySegment.ofAddress(flavour.inPlace),
                  values,
                  Math.toIntExact(values.byteSize() / Float.BYTES),
                  floats,
                  sum,
                  communicator));
    } catch (Throwable problem) {
      throw failure("MPI_Allreduce", problem);
    }
  }

  void broadcast(long communicator, MemorySegment values, int root) {
    try {
      check(
          "MPI_Bcast",
          (int) broadcast.invokeExact(values, countOf(values), typeOf(values), root, communicator));
    } catch (Throwable problem) {
      throw failure("MPI_Bcast", problem);
    }
  }

  void barrier(long communicator) {
    try {
      check("MPI_Barrier", (int) barrier.invokeExact(communicator));
    } catch (Throwable problem) {
      throw failure("MPI_Barrier", problem);
    }
  }

  /** Ends all ranks at once, this one too. */
  void abort() {
    try {
      check("MPI_Abort", (int) abort.invokeExact(world, 1));
    } catch (Throwable problem) {
      throw failure("MPI_Abort", problem);
    }
  }

  void finish() {
    try {
      check("MPI_Finalize", (int) finish.invokeExact());
    } catch (Throwable problem) {
      throw failure("MPI_Finalize", problem);
    }
  }

  /** What is only moved travels as floats where it can: counts are ints, and bytes are many. */
  private long typeOf(MemorySegment memory) {
    return memory.byteSize() % Float.BYTES == 0 ? floats : bytes;
  }

  private static int countOf(MemorySegment memory) {
    long unit = memory.byteSize() % Float.BYTES == 0 ? Float.BYTES : 1;
    return Math.toIntExact(memory.byteSize() / unit);
  }

  private static void check(String name, int code) {
    if (code != 0) {
      throw new IllegalStateException("%s failed with code %d".formatted(name, code));
    }
  }

  private static IllegalStateException failure(String name, Throwable problem) {
    return problem instanceof IllegalStateException known
        ? known
        : new IllegalStateException(name + " failed: " + problem.getMessage(), problem);
  }
}
