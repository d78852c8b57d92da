package org.freetransformer.tensor.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class HugePagesTest {
  private static final long LARGE = (8 << 20) + 64;
  private static final Path SETTING = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");

  @Test
  void largeBlocksAskForHugePagesAndGoBack() throws IOException {
    assumeTrue(Files.exists(SETTING), "this system has no transparent huge pages");
    assumeTrue(
        !Files.readString(SETTING).contains("[never]"), "transparent huge pages are switched off");
    MemoryPool pool = new MemoryPool();
    MemorySegment large = pool.allocate(LARGE, "large").segment();
    assertThat(large.address() % (2 << 20)).isZero();
    assertThat(flags(large)).contains(" hg");
    large.setAtIndex(ValueLayout.JAVA_BYTE, LARGE - 1, (byte) 7);
    assertThat(large.get(ValueLayout.JAVA_BYTE, LARGE - 1)).isEqualTo((byte) 7);
    assertThat(pool.reservedBytes()).isEqualTo(large.byteSize());
    pool.close();
    assertThat(flags(large)).isEmpty();
  }

  @Test
  void smallBlocksAreNotRoundedUpToThem() {
    try (MemoryPool pool = new MemoryPool()) {
      pool.allocate(LARGE, "large");
      pool.allocate(1 << 20, "small");
      assertThat(pool.reservedBytes()).isLessThan(LARGE + (1 << 20) + (1 << 18));
      assertThat(HugePages.block(1 << 20)).isEmpty();
    }
  }

  /** What Linux says of the memory that begins there; nothing where there is none. */
  private static String flags(MemorySegment memory) throws IOException {
    List<String> lines = Files.readAllLines(Path.of("/proc/self/smaps"));
    boolean inside = false;
    for (String line : lines) {
      if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
        String[] range = line.substring(0, line.indexOf(' ')).split("-", 2);
        inside =
            Long.parseUnsignedLong(range[0], 16) <= memory.address()
                && memory.address() < Long.parseUnsignedLong(range[1], 16);
      } else if (inside && line.startsWith("VmFlags:")) {
        return line;
      }
    }
    return "";
  }
}
