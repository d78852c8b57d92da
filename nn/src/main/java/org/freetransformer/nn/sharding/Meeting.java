package org.freetransformer.nn.sharding;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where ranks of one process meet: each shows memory that the others may read until all leave. */
final class Meeting {
  private final MemorySegment[] shown;
  private final Map<Integer, Meeting> sides = new HashMap<>();
  private int arrived;
  private long rounds;
  private @Nullable RankFailure failure;

  Meeting(int ranks) {
    shown = new MemorySegment[ranks];
    Arrays.fill(shown, MemorySegment.NULL);
  }

  int ranks() {
    return shown.length;
  }

  /** What a rank showed as it arrived. */
  MemorySegment shownBy(int rank) {
    return shown[rank];
  }

  /** Shows memory and waits until all have. */
  void arrive(int rank, MemorySegment memory) {
    shown[rank] = memory;
    pass();
  }

  /** Waits until all have come to this point. */
  synchronized void pass() {
    requireWhole();
    long round = rounds;
    if (++arrived == shown.length) {
      arrived = 0;
      rounds++;
      notifyAll();
      return;
    }
    try {
      while (rounds == round) {
        requireWhole();
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for other ranks", e);
    }
  }

  private void requireWhole() {
    RankFailure known = failure;
    if (known != null) {
      throw new RankFailure(known);
    }
  }

  /** Throws the first failure, if there was one. */
  synchronized void rethrow() {
    requireWhole();
  }

  /** Ends everyone's waiting; the first failure is the one that counts. */
  synchronized void fail(RankFailure cause) {
    if (failure == null) {
      failure = cause;
    }
    notifyAll();
    sides.values().forEach(side -> side.fail(cause));
  }

  /** A meeting of some of these ranks, the same for all who ask for this number. */
  synchronized Meeting side(int number, int ranks) {
    requireWhole(); // One that is made now would not hear of it.
    return sides.computeIfAbsent(number, _ -> new Meeting(ranks));
  }
}
