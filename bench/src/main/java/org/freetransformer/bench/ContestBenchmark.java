package org.freetransformer.bench;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.DoubleStream;
import org.freetransformer.bench.suite.Contest;
import org.freetransformer.bench.suite.Place;
import org.freetransformer.bench.suite.Suites;
import org.freetransformer.bench.suite.Unit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One round of a contest: ours, libtorch's and the limit's, a batch of calls each. As the sides
 * take turns within a round, a machine that slows down slows all of them, and their ratios stand.
 * Before its batch each side makes calls that are not timed, so that none begins with caches that
 * another has filled.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class ContestBenchmark {
  /** Idle threads of either side spin for some milliseconds before they sleep. */
  private static final long PAUSE_MILLIS = 25;

  /** Calls of ours that are counted for their garbage, fewer where they take long. */
  private static final int MOST_FOR_GARBAGE = 4;

  private static final long MANY_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** The suite's name. */
  @Param("gemm")
  public String suite;

  /** The case's name. */
  @Param("nt 1024x1376x512")
  public String contest;

  /** Where ours computes. */
  @Param(Place.CPU)
  public String device;

  /** Threads of every side. */
  @Param("1")
  public int threads;

  /** How long a side computes in one round, at least. */
  @Param("100")
  public int batchMillis;

  private @Nullable Contest sides;

  /** What a round found: microseconds of one call of each side, 0 where there is no peer. */
  @AuxCounters(AuxCounters.Type.EVENTS)
  @State(Scope.Thread)
  public static class Outcome {
    /** This project's time. */
    public double ours;

    /** Libtorch's. */
    public double peer;

    /** The second peer's. */
    public double other;

    /** The limit's. */
    public double limit;

    /** Bytes of garbage that one call of ours leaves on the heap. */
    public double garbage;

    /** Work of one call. */
    public double amount;

    /** Floating-point operations per byte, or 0. */
    public double intensity;

    /** What the amount counts: the ordinal of a {@link Unit}. */
    public int unit;
  }

  /** Makes the operands of all sides. */
  @Setup
  public void open() {
    sides = Suites.named(suite).open(contest, new Place(device, threads));
  }

  /** Frees them. */
  @TearDown
  public void close() {
    Objects.requireNonNull(sides).close();
  }

  /** One round. */
  @Benchmark
  @SuppressWarnings("EnumOrdinal") // a counter holds numbers only, and both JVMs have the same enum
  public void round(Outcome outcome) throws InterruptedException {
    Contest contest = Objects.requireNonNull(sides);
    outcome.amount = contest.amount();
    outcome.intensity = contest.intensity();
    outcome.unit = contest.unit().ordinal();
    pause();
    outcome.garbage = garbageOfOneCall(contest.ours());
    outcome.ours = microsOfOneCall(contest.ours());
    outcome.peer = microsOfEach(contest.peers()).min().orElse(0);
    outcome.other = contest.other() == null ? 0 : microsAfterOneCall(contest.other());
    outcome.limit = microsOfEach(contest.limits()).max().orElse(0);
  }

  /** Of all threads; the measurement itself leaves some bytes, which many short calls share. */
  private static double garbageOfOneCall(Runnable call) {
    long before = THREADS.getTotalThreadAllocatedBytes();
    long start = System.nanoTime();
    int calls = 0;
    do {
      call.run();
      calls++;
    } while (calls < MOST_FOR_GARBAGE && System.nanoTime() - start < MANY_NANOS);
    return (double) (THREADS.getTotalThreadAllocatedBytes() - before) / calls;
  }

  private DoubleStream microsOfEach(List<Runnable> calls) throws InterruptedException {
    DoubleStream.Builder micros = DoubleStream.builder();
    for (Runnable call : calls) {
      micros.add(microsAfterOneCall(call));
    }
    return micros.build();
  }

  private double microsAfterOneCall(Runnable call) throws InterruptedException {
    pause();
    call.run();
    return microsOfOneCall(call);
  }

  private static void pause() throws InterruptedException {
    Thread.sleep(PAUSE_MILLIS);
  }

  private double microsOfOneCall(Runnable call) {
    long batch = TimeUnit.MILLISECONDS.toNanos(batchMillis);
    long start = System.nanoTime();
    long elapsed;
    int calls = 0;
    do {
      call.run();
      calls++;
      elapsed = System.nanoTime() - start;
    } while (elapsed < batch);
    return elapsed * 1e-3 / calls;
  }
}
