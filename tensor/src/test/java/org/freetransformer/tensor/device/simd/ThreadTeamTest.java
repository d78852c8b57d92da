package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ThreadTeamTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7})
  void everyIndexRunsOnceInEveryRun(int size) {
    try (ThreadTeam team = new ThreadTeam(size)) {
      for (int round = 0; round < 3000; round++) {
        int tasks = round % 17;
        AtomicIntegerArray counts = new AtomicIntegerArray(17);
        team.run(tasks, (index, worker) -> counts.incrementAndGet(index));
        for (int i = 0; i < 17; i++) {
          assertThat(counts.get(i)).isEqualTo(i < tasks ? 1 : 0);
        }
        if (round % 500 == 0) {
          LockSupport.parkNanos(2_000_000); // long enough for the others to park
        }
      }
    }
  }

  @Test
  void plainWritesOfTasksAreVisibleToTheCallerAndTheNextRun() {
    try (ThreadTeam team = new ThreadTeam(3)) {
      long[] cells = new long[64];
      for (int round = 0; round < 5000; round++) {
        int shift = round;
        team.run(64, (index, worker) -> cells[(index + shift) % 64]++);
      }
      assertThat(cells).containsOnly(5000L);
    }
  }

  @Test
  void membersWorkAtTheSameTimeUnderDifferentNumbers() throws Exception {
    try (ThreadTeam team = new ThreadTeam(3)) {
      CyclicBarrier together = new CyclicBarrier(3);
      AtomicIntegerArray seen = new AtomicIntegerArray(3);
      team.run(
          3,
          (index, worker) -> {
            meet(together);
            seen.incrementAndGet(worker);
          });
      assertThat(seen.toString()).isEqualTo("[1, 1, 1]");
    }
  }

  @Test
  void eachMemberBeginsWithItsOwnShare() {
    int runs = 50;
    int kept = 0;
    try (ThreadTeam team = new ThreadTeam(2)) {
      CyclicBarrier together = new CyclicBarrier(2);
      for (int round = 0; round < runs; round++) {
        AtomicIntegerArray workers = new AtomicIntegerArray(4);
        team.run(
            4,
            (index, worker) -> {
              meet(together);
              workers.set(index, worker);
            });
        kept += workers.toString().equals("[0, 0, 1, 1]") ? 1 : 0;
      }
    }
    // One that still looks for tasks of the run before may take another's.
    assertThat(kept).isGreaterThan(runs * 3 / 4);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void anExceptionReachesTheCallerAndTheTeamGoesOn(int size) {
    try (ThreadTeam team = new ThreadTeam(size)) {
      for (int round = 0; round < 200; round++) {
        assertThatThrownBy(() ->
                team.run(
                    20,
                    (index, worker) -> {
                      if (index == 13) {
                        throw new ArithmeticException("task 13");
                      }
                    }))
            .isInstanceOf(ArithmeticException.class)
            .hasMessage("task 13");
      }
      AtomicIntegerArray counts = new AtomicIntegerArray(1);
      team.run(20, (index, worker) -> counts.incrementAndGet(0));
      assertThat(counts.get(0)).isEqualTo(20);
    }
  }

  @Test
  void exceptionsOfOtherTasksAreSuppressed() {
    try (ThreadTeam team = new ThreadTeam(2)) {
      CyclicBarrier together = new CyclicBarrier(2);
      assertThatThrownBy(() ->
              team.run(
                  2,
                  (index, worker) -> {
                    meet(together);
                    throw new ArithmeticException("task");
                  }))
          .isInstanceOf(ArithmeticException.class)
          .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void refusesNestedRuns(int size) {
    try (ThreadTeam team = new ThreadTeam(size)) {
      assertThatThrownBy(
              () -> team.run(4, (index, worker) -> team.run(1, (inner, innerWorker) -> {})))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("may not run tasks on its own team");
    }
  }

  @Test
  void refusesASecondCallerMeanwhile() throws Exception {
    try (ThreadTeam team = new ThreadTeam(2)) {
      CountDownLatch running = new CountDownLatch(1);
      AtomicBoolean release = new AtomicBoolean();
      AtomicReference<Throwable> failure = new AtomicReference<>();
      Thread first =
          new Thread(() ->
              team.run(
                  2,
                  (index, worker) -> {
                    running.countDown();
                    while (!release.get()) {
                      Thread.onSpinWait();
                    }
                  }));
      first.setUncaughtExceptionHandler((thread, e) -> failure.set(e));
      first.start();
      running.await();
      assertThatThrownBy(() -> team.run(1, (index, worker) -> {}))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("in use by");
      assertThatThrownBy(team::close).isInstanceOf(IllegalStateException.class);
      release.set(true);
      first.join();
      assertThat(failure.get()).isNull();
      AtomicIntegerArray counts = new AtomicIntegerArray(1);
      team.run(5, (index, worker) -> counts.incrementAndGet(0));
      assertThat(counts.get(0)).isEqualTo(5);
    }
  }

  @Test
  void aClosedTeamRefusesWork() {
    ThreadTeam team = new ThreadTeam(2);
    team.close();
    team.close();
    assertThatThrownBy(() -> team.run(1, (index, worker) -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void refusesImpossibleSizes() {
    assertThatThrownBy(() -> new ThreadTeam(0)).hasMessageContaining("at least 1 thread, got 0");
    try (ThreadTeam team = new ThreadTeam()) {
      assertThat(team.size()).isEqualTo(Runtime.getRuntime().availableProcessors());
      assertThatThrownBy(() -> team.run(-1, (index, worker) -> {}))
          .hasMessageContaining("at least 0, got -1");
    }
  }

  private static void meet(CyclicBarrier together) {
    try {
      together.await(30, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
