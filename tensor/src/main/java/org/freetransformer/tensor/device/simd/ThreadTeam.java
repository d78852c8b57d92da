package org.freetransformer.tensor.device.simd;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed team of threads that runs one batch of numbered tasks at a time; the calling thread is
 * member 0 and works too. Each member begins with a share of neighbouring tasks, the same in every
 * batch, so that it often finds in its caches what it wrote in the batch before. Who has no more
 * takes from the end of another's share, so uneven tasks balance themselves; which member runs
 * which task is not fixed, hence a task's result must depend on its index alone.
 *
 * <p>A run allocates nothing. Idle members spin for some microseconds and then park, so that
 * kernels which follow each other closely do not pay for a wake-up. Any thread may call {@link
 * #run}, but one at a time, and never from inside a task.
 */
public final class ThreadTeam implements AutoCloseable {

  /** One batch of work, cut into tasks by index. */
  @FunctionalInterface
  public interface Task {
    /**
     * Runs one task.
     *
     * @param index which task, 0 ≤ index &lt; tasks
     * @param worker which member of the team runs it, 0 ≤ worker &lt; {@link ThreadTeam#size()}; no
     *     two members have the same number, so it may pick private scratch memory
     */
    void run(int index, int worker);
  }

  private static final int TASKS_PER_THREAD = 3;
  private static final long SPIN_NANOS = 50_000;
  private static final int SPINS_PER_CLOCK_READING = 16;
  private static final long FIRST = 1L << 32;

  /** Distance of shares: they lie in cache lines of their own, and in pairs of lines. */
  private static final int SPACING = 16;

  private static final VarHandle SHARE = MethodHandles.arrayElementVarHandle(long[].class);
  private static final VarHandle PENDING;
  private static final VarHandle CALLER;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      PENDING = lookup.findVarHandle(ThreadTeam.class, "pending", int.class);
      CALLER = lookup.findVarHandle(ThreadTeam.class, "caller", Thread.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Member[] members;

  // Of each member's share the tasks not yet claimed: the first in the upper half, the one behind
  // the last in the lower. A member that wakes late finds nothing left or a task of a later run, so
  // the caller need not wait for sleepers.
  private final long[] shares;
  private volatile int runs;
  private volatile int pending;
  private volatile @Nullable Thread caller;
  private volatile boolean callerParked;
  private volatile boolean closed;
  private volatile @Nullable Throwable failure;

  // Published by the writes to shares, read only between claiming a task and completing it.
  private @Nullable Task task;

  /** A team of as many threads as there are processors available to this JVM. */
  public ThreadTeam() {
    this(Runtime.getRuntime().availableProcessors());
  }

  /**
   * A team of {@code size} threads, of which {@code size - 1} are started here, as daemons.
   *
   * @throws IllegalArgumentException if {@code size} is not positive
   * @throws OutOfMemoryError if the system refuses a thread; none is left then
   */
  public ThreadTeam(int size) {
    if (size < 1) {
      throw new IllegalArgumentException("a team needs at least 1 thread, got " + size);
    }
    members = new Member[size - 1];
    shares = new long[size * SPACING];
    for (int i = 0; i < members.length; i++) {
      members[i] = new Member(i + 1);
    }
    try {
      for (Member member : members) {
        member.start();
      }
    } catch (OutOfMemoryError refused) {
      close();
      throw refused;
    }
  }

  /** Number of threads, the caller included. */
  public int size() {
    return members.length + 1;
  }

  /**
   * How many tasks of about equal length keep the team busy to the end. Only for work whose result
   * does not depend on how it is cut.
   */
  public int enoughTasks() {
    return members.length == 0 ? 1 : TASKS_PER_THREAD * size();
  }

  /**
   * Runs {@code task} for every index from 0 to {@code tasks - 1} and returns when all are done.
   * Everything the tasks wrote is visible to the caller afterwards.
   *
   * <p>If a task throws, tasks not yet begun are skipped and the first exception is thrown here;
   * exceptions of tasks that were under way meanwhile are attached to it as suppressed.
   *
   * @throws IllegalArgumentException if {@code tasks} is negative
   * @throws IllegalStateException if called from inside a task, while another thread's run is under
   *     way, or after {@link #close}
   */
  public void run(int tasks, Task task) {
    if (tasks < 0) {
      throw new IllegalArgumentException("number of tasks must be at least 0, got " + tasks);
    }
    enter();
    try {
      if (members.length == 0 || tasks <= 1) {
        for (int i = 0; i < tasks; i++) {
          task.run(i, 0);
        }
      } else {
        runShared(tasks, task);
      }
    } finally {
      caller = null;
    }
  }

  private void enter() {
    Thread current = Thread.currentThread();
    if (current instanceof Member member && member.team() == this) {
      throw new IllegalStateException("a task may not run tasks on its own team");
    }
    if (!CALLER.compareAndSet(this, null, current)) {
      Thread other = caller;
      throw new IllegalStateException(
          other == current
              ? "a task may not run tasks on its own team"
              : "the team is in use by " + other + "; one thread at a time may run tasks");
    }
    if (closed) {
      caller = null;
      throw new IllegalStateException("the team is closed");
    }
  }

  private void runShared(int tasks, Task task) {
    this.task = task;
    failure = null;
    pending = tasks;
    int parts = Math.min(size(), tasks);
    for (int i = 0; i < parts; i++) {
      long first = (long) tasks * i / parts;
      long end = (long) tasks * (i + 1) / parts;
      SHARE.setVolatile(shares, i * SPACING, first * FIRST + end);
    }
    int next = runs + 1;
    runs = next;
    for (int i = 1; i < parts; i++) {
      members[i - 1].wake();
    }
    work(0);
    awaitCompletion();
    this.task = null;
    Throwable thrown = failure;
    if (thrown != null) {
      failure = null;
      if (thrown instanceof Error error) {
        throw error;
      }
      throw thrown instanceof RuntimeException runtime
          ? runtime
          : new IllegalStateException("a task threw a checked exception", thrown);
    }
  }

  /** Claims and runs tasks until none is left: those of its own share, then others'. */
  private void work(int worker) {
    int done = 0;
    int size = size();
    for (int i = 0; i < size; i++) {
      int owner = (worker + i) % size;
      int index = claim(owner, i > 0);
      while (index >= 0) {
        run(index, worker);
        done++;
        index = claim(owner, i > 0);
      }
    }
    if (done > 0 && (int) PENDING.getAndAdd(this, -done) == done && callerParked) {
      LockSupport.unpark(caller);
    }
  }

  /** The first task of a member's share that is left, or the last; -1 if there is none. */
  private int claim(int owner, boolean last) {
    while (true) {
      long share = (long) SHARE.getVolatile(shares, owner * SPACING);
      int first = (int) (share / FIRST);
      int end = (int) share;
      if (first == end) {
        return -1;
      }
      long rest = last ? share - 1 : share + FIRST;
      if (SHARE.compareAndSet(shares, owner * SPACING, share, rest)) {
        return last ? end - 1 : first;
      }
    }
  }

  private void run(int index, int worker) {
    Task current = task;
    try {
      if (failure == null && current != null) {
        current.run(index, worker);
      }
    } catch (Throwable thrown) {
      record(thrown);
    }
  }

  @SuppressWarnings("ReferenceEquality") // an exception must not suppress itself
  private synchronized void record(Throwable thrown) {
    Throwable first = failure;
    if (first == null) {
      failure = thrown;
    } else if (first != thrown) {
      first.addSuppressed(thrown);
    }
  }

  private void awaitCompletion() {
    long start = System.nanoTime();
    for (int spins = 1; pending != 0; spins++) {
      Thread.onSpinWait();
      if (spins % SPINS_PER_CLOCK_READING == 0 && System.nanoTime() - start > SPIN_NANOS) {
        callerParked = true;
        while (pending != 0) {
          LockSupport.park(this);
        }
        callerParked = false;
      }
    }
  }

  /**
   * Ends the team's threads and waits for them. Closing twice does nothing.
   *
   * @throws IllegalStateException if a run is under way
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    enter();
    closed = true;
    caller = null;
    boolean interrupted = false;
    for (Member member : members) {
      LockSupport.unpark(member);
      while (member.isAlive()) {
        try {
          member.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private final class Member extends Thread {
    private final int worker;
    private volatile boolean parked;
    private int seen;

    Member(int worker) {
      super("ft-team-" + worker);
      this.worker = worker;
      setDaemon(true);
    }

    ThreadTeam team() {
      return ThreadTeam.this;
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      while (awaitWork()) {
        work(worker);
      }
    }

    private boolean idle() {
      return runs == seen && !closed;
    }

    /** Spins, then parks, until another run has begun; false once the team is closed. */
    private boolean awaitWork() {
      long start = System.nanoTime();
      for (int spins = 1; idle(); spins++) {
        Thread.onSpinWait();
        if (spins % SPINS_PER_CLOCK_READING == 0 && System.nanoTime() - start > SPIN_NANOS) {
          parked = true;
          while (idle()) {
            LockSupport.park(ThreadTeam.this);
            Thread.interrupted(); // an interrupt must not turn waiting into spinning
          }
          parked = false;
        }
      }
      seen = runs;
      return !closed;
    }
  }
}
