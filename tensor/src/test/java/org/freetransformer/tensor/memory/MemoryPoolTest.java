package org.freetransformer.tensor.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MemoryPoolTest {
  private final MemoryPool pool = new MemoryPool();

  @AfterEach
  void close() {
    pool.close();
  }

  @Test
  void countsLiveBytesByOwner() {
    OffHeapStorage weights = pool.allocate(1000, "weights");
    OffHeapStorage first = pool.allocate(300, "step");
    OffHeapStorage second = pool.allocate(500, "step");
    assertThat(pool.liveBytes()).isEqualTo(1800);
    assertThat(pool.liveBytesByOwner()).isEqualTo(Map.of("weights", 1000L, "step", 800L));
    first.close();
    assertThat(pool.liveBytesByOwner()).isEqualTo(Map.of("weights", 1000L, "step", 500L));
    second.close();
    assertThat(pool.liveBytesByOwner()).isEqualTo(Map.of("weights", 1000L));
    weights.close();
    assertThat(pool.liveBytes()).isZero();
    assertThat(pool.liveBytesByOwner()).isEmpty();
    assertThat(pool.peakBytes()).isEqualTo(1800);
  }

  @Test
  void closingTwiceCountsOnce() {
    OffHeapStorage kept = pool.allocate(64, "a");
    OffHeapStorage storage = pool.allocate(64, "a");
    storage.close();
    storage.close();
    assertThat(pool.liveBytes()).isEqualTo(kept.bytes());
  }

  @Test
  void blocksAreAlignedAndDoNotOverlap() {
    List<OffHeapStorage> storages = new ArrayList<>();
    for (long bytes : new long[] {0, 1, 63, 64, 65, 1000, 4097, 1 << 20}) {
      storages.add(pool.allocate(bytes, "test"));
    }
    for (OffHeapStorage storage : storages) {
      MemorySegment segment = storage.segment();
      assertThat(segment.address() % 64).isZero();
      assertThat(segment.byteSize()).isGreaterThanOrEqualTo(storage.bytes());
      for (OffHeapStorage other : storages) {
        assertThat(segment.asOverlappingSlice(other.segment()).isPresent())
            .isEqualTo(storage == other);
      }
    }
  }

  @Test
  void freedBlocksAreHandedOutAgain() {
    OffHeapStorage first = pool.allocate(100_000, "test");
    long address = first.segment().address();
    first.close();
    long reserved = pool.reservedBytes();
    OffHeapStorage second = pool.allocate(99_000, "test");
    assertThat(second.segment().address()).isEqualTo(address);
    assertThat(pool.reservedBytes()).isEqualTo(reserved);
  }

  @Test
  void sizeClassesLoseLittle() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 1000; i++) {
      long bytes = random.nextLong(1, 1L << random.nextInt(1, 40));
      long size = MemoryPool.sizeClass(bytes);
      assertThat(size).isGreaterThanOrEqualTo(bytes);
      assertThat(size % MemoryPool.ALIGNMENT).isZero();
      assertThat(size - bytes).isLessThan(Math.max(64, bytes / 8 + 1));
    }
  }

  @Test
  void trimGivesFreedBlocksBack() {
    OffHeapStorage used = pool.allocate(1 << 10, "test");
    pool.allocate(1 << 20, "test").close();
    pool.trim();
    assertThat(pool.reservedBytes()).isEqualTo(1 << 10);
    used.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
  }

  /** A source of so many bytes that takes nothing back. */
  private static MemoryPool.Source sourceOf(long bytes) {
    MemorySegment all = Arena.ofAuto().allocate(bytes, MemoryPool.ALIGNMENT);
    AtomicLong used = new AtomicLong();
    return size -> {
      if (used.get() + size > bytes) {
        throw new OutOfMemoryError("%d bytes are taken".formatted(used.get()));
      }
      return new MemoryPool.Block(null, all.asSlice(used.getAndAdd(size), size));
    };
  }

  @Test
  void aLargerBlockServesIfThereIsNoOther() {
    MemoryPool.Source source = sourceOf(2048);
    pool.allocate(1024, "first", source).close();
    pool.allocate(512, "second", source).close();
    OffHeapStorage small = pool.allocate(128, "third", source);
    assertThat(small.segment().byteSize()).as("new").isEqualTo(128);
    OffHeapStorage other = pool.allocate(448, "fourth", source);
    assertThat(other.segment().byteSize()).as("the smallest that is large enough").isEqualTo(512);
    assertThat(pool.liveBytes()).isEqualTo(128 + 448);
    assertThat(pool.reservedBytes()).isEqualTo(1024 + 512 + 128);
    other.close();
    assertThat(pool.allocate(512, "fifth", source).segment().byteSize()).isEqualTo(512);
  }

  @Test
  void aFullSourceSaysWhatIsFreeInSmallerPieces() {
    MemoryPool.Source source = sourceOf(2048);
    List<OffHeapStorage> pieces = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      pieces.add(pool.allocate(512, "test", source));
    }
    assertThatThrownBy(() -> pool.allocate(1024, "test", source))
        .isInstanceOf(OutOfMemoryError.class)
        .hasMessage("2048 bytes are taken");
    pieces.subList(0, 3).forEach(OffHeapStorage::close);
    assertThatThrownBy(() -> pool.allocate(1024, "test", source))
        .isInstanceOf(OutOfMemoryError.class)
        .hasMessageContaining("1536 of those that are taken are free, in smaller pieces");
  }

  @Test
  void theSystemGetsFreeBlocksBackBeforeItHasNoMore() {
    pool.allocate(1 << 20, "test").close();
    assertThatThrownBy(() -> pool.allocate(1L << 60, "test")).isInstanceOf(OutOfMemoryError.class);
    assertThat(pool.reservedBytes()).isZero();
  }

  @Test
  void useAfterFreeIsAnException() {
    OffHeapStorage storage = pool.allocate(40, "activations");
    assertThat(storage.isAlive()).isTrue();
    storage.close();
    assertThat(storage.isAlive()).isFalse();
    assertThatIllegalStateException()
        .isThrownBy(storage::segment)
        .withMessageContaining("use after free")
        .withMessageContaining("40 bytes of 'activations'");
  }

  @Test
  void closingThePoolEndsWhatIsStillInUse() {
    OffHeapStorage storage = pool.allocate(40, "activations");
    MemorySegment segment = storage.segment();
    pool.close();
    assertThat(storage.isAlive()).isFalse();
    assertThatIllegalStateException()
        .isThrownBy(storage::segment)
        .withMessageContaining("use after free");
    assertThatIllegalStateException().isThrownBy(() -> segment.get(ValueLayout.JAVA_BYTE, 0));
    assertThatIllegalStateException()
        .isThrownBy(() -> pool.allocate(1, "late"))
        .withMessageContaining("closed");
    storage.close();
    assertThat(pool.liveBytes()).isZero();
  }

  @Test
  void reservedMemoryHasNoBytesUntilItIsBound() {
    OffHeapStorage reserved = OffHeapStorage.reserve(100);
    assertThat(reserved.isAlive()).isFalse();
    assertThatIllegalStateException()
        .isThrownBy(reserved::segment)
        .withMessageContaining("recorded");
    OffHeapStorage block = pool.allocate(256, "program");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> reserved.bind(block.segment().asSlice(0, 64)))
        .withMessageContaining("64 bytes cannot back a storage of 100");
    reserved.bind(block.segment().asSlice(64, 100));
    assertThat(reserved.isAlive()).isTrue();
    assertThat(reserved.segment().address()).isEqualTo(block.segment().address() + 64);
    assertThat(pool.liveBytes()).isEqualTo(256);
  }

  @Test
  void workOfEverNewSizesDoesNotKeepThemAll() {
    try (MemoryPool varied = new MemoryPool(1 << 16)) {
      for (int kilobytes = 1; kilobytes <= 64; kilobytes++) {
        varied.allocate(1024L * kilobytes, "prompt").close();
        assertThat(varied.reservedBytes()).isLessThanOrEqualTo((1 << 16) + (1 << 16));
      }
      OffHeapStorage weights = varied.allocate(1 << 20, "weights");
      long before = varied.reservedBytes();
      for (int kilobytes = 65; kilobytes <= 128; kilobytes++) {
        varied.allocate(1024L * kilobytes, "prompt").close();
      }
      assertThat(varied.reservedBytes()).isGreaterThan(before).isLessThan(2 << 20);
      weights.close();
    }
  }
}
