package org.freetransformer.nn.sharding;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Runs the ranks of a group as threads of this process. */
public final class InProcessRanks {
  /** More would only wait for each other. */
  public static final int MOST = 1024;

  private InProcessRanks() {}

  /**
   * Runs {@code body} once for each rank, on a thread of its own, and waits for all.
   *
   * @param body is given the group as its rank sees it, which is closed after it
   * @return what the ranks returned, in their order
   * @throws IllegalArgumentException if {@code ranks} is out of range
   * @throws RankFailure naming the first rank that failed, its failure being the cause; the others'
   *     exchanges end at once
   */
  public static <T> List<T> run(int ranks, Function<ProcessGroup, T> body) {
    return run(ranks, body, Thread.ofPlatform().factory());
  }

  /** The same on threads that a factory makes, which may have no more of them. */
  static <T> List<T> run(int ranks, Function<ProcessGroup, T> body, ThreadFactory threads) {
    if (ranks < 1 || ranks > MOST) {
      throw new IllegalArgumentException("%d ranks: allowed are 1 to %d".formatted(ranks, MOST));
    }
    Meeting meeting = new Meeting(ranks);
    List<Rank<T>> all = new ArrayList<>();
    for (int rank = 0; rank < ranks; rank++) {
      all.add(new Rank<>(meeting, rank, body, threads));
    }
    List<Thread> started = new ArrayList<>();
    all.forEach(rank -> rank.start().ifPresent(started::add));
    started.forEach(InProcessRanks::join);
    meeting.rethrow();
    List<T> results = new ArrayList<>();
    all.forEach(rank -> results.add(Objects.requireNonNull(rank.result)));
    return results;
  }

  private static void join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true; // The ranks end by themselves; the caller learns of it afterwards.
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static final class Rank<T> implements Runnable {
    private final Meeting meeting;
    private final int number;
    private final Function<ProcessGroup, T> body;
    private final ThreadFactory threads;
    private @Nullable T result;

    Rank(Meeting meeting, int number, Function<ProcessGroup, T> body, ThreadFactory threads) {
      this.meeting = meeting;
      this.number = number;
      this.body = body;
      this.threads = threads;
    }

    /** Its thread, which runs; nothing if none could be had, which ends the others' exchanges. */
    Optional<Thread> start() {
      try {
        Thread thread = threads.newThread(this);
        thread.setName("ft-rank-" + number + "-main");
        thread.start();
        return Optional.of(thread);
      } catch (Throwable problem) {
        fail(problem);
        return Optional.empty();
      }
    }

    @Override
    public void run() {
      try (ProcessGroup group =
          new ProcessGroup(new InProcessCollectives(meeting, number), threads)) {
        work(group);
      } catch (Throwable problem) {
        fail(problem);
      }
    }

    private void work(ProcessGroup group) {
      try {
        result = body.apply(group);
      } catch (Throwable problem) {
        fail(problem); // Before the group is closed, which waits for what it exchanges.
      }
    }

    private void fail(Throwable problem) {
      meeting.fail(new RankFailure(number, problem));
    }
  }
}
