package uk.ac.manchester.tornado.api;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A work group on the host. Items that share nothing run one after the other; those that wait for
 * each other are threads, because each has to stand still in the midst of its kernel.
 */
final class WorkGroup {
  /** Thrown by the first item of a kernel that needs its group, before it changed anything. */
  static final class Needed extends RuntimeException {
    private static final long serialVersionUID = 1;

    Needed() {
      super("the kernel shares memory within its group", null, false, false);
    }
  }

  private final CyclicBarrier barrier;
  private final List<Object> arrays = new ArrayList<>();
  private final List<Warp> warps;

  private WorkGroup(int size) {
    barrier = new CyclicBarrier(size);
    warps = Stream.generate(Warp::new).limit(size / Warp.SIZE).toList();
  }

  void await() {
    try {
      barrier.await();
    } catch (InterruptedException | BrokenBarrierException failure) {
      throw new IllegalStateException("another item of the work group failed", failure);
    }
  }

  synchronized Object array(int number, Supplier<Object> made) {
    if (number == arrays.size()) {
      arrays.add(made.get());
    }
    return arrays.get(number);
  }

  /** 32 of its items, if so many are left. */
  Warp warp(int number) {
    return warps.get(number);
  }

  /** Runs all items of all groups. */
  static void runAll(int groups, int size, Consumer<KernelContext> kernel) {
    for (int group = 0; group < groups; group++) {
      try {
        for (int item = 0; item < size; item++) {
          kernel.accept(new KernelContext(group, item, size, null));
        }
      } catch (Needed needed) {
        runTogether(group, size, kernel);
      }
    }
  }

  private static void runTogether(int group, int size, Consumer<KernelContext> kernel) {
    WorkGroup shared = new WorkGroup(size);
    AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
    Thread[] items = new Thread[size];
    for (int item = 0; item < size; item++) {
      KernelContext context = new KernelContext(group, item, size, shared);
      items[item] =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  kernel.accept(context);
                } catch (RuntimeException e) {
                  failure.compareAndSet(null, e);
                }
              });
    }
    for (Thread item : items) {
      while (!hasEnded(item)) {
        if (failure.get() != null) { // The others may wait for it in vain.
          Stream.of(items).forEach(Thread::interrupt);
        }
      }
    }
    RuntimeException first = failure.get();
    if (first != null) {
      throw first;
    }
  }

  private static boolean hasEnded(Thread item) {
    try {
      return item.join(Duration.ofMillis(20));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted in a kernel", interrupted);
    }
  }
}
