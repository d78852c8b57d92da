package org.freetransformer.nn.sharding;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.freetransformer.tensor.DType;
import org.junit.jupiter.api.Test;

class NumbersTest {
  private static final int COUNT = 1003;

  /** Prints what the loops give in another JVM. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) {
      System.out.println(Numbers.VECTORS);
      System.out.print(bits());
    }
  }

  /** A digest of what each loop gives, and of exchanges between ranks, which are made of them. */
  private static String bits() {
    Random random = new Random(3);
    float[] any = new float[COUNT];
    float[] finite = new float[COUNT];
    for (int i = 0; i < COUNT; i++) {
      any[i] = Float.intBitsToFloat(random.nextInt());
      finite[i] = (float) random.nextGaussian();
    }
    StringBuilder told = new StringBuilder();
    try (Arena arena = Arena.ofShared()) {
      MemorySegment halves = arena.allocate(ValueLayout.JAVA_SHORT, COUNT);
      MemorySegment numbers = arena.allocateFrom(ValueLayout.JAVA_FLOAT, any);
      Numbers.narrow(numbers, halves);
      told.append(digest(halves));
      Numbers.widen(halves, numbers);
      told.append(digest(numbers));
      MemorySegment rounded = arena.allocateFrom(ValueLayout.JAVA_FLOAT, any);
      Numbers.round(rounded, rounded);
      told.append(digest(rounded));
      MemorySegment sum = arena.allocateFrom(ValueLayout.JAVA_FLOAT, finite);
      MemorySegment term = arena.allocateFrom(ValueLayout.JAVA_FLOAT, finite);
      Numbers.add(sum, term);
      told.append(digest(sum));
      Numbers.addRounded(sum, term);
      told.append(digest(sum));
      Numbers.narrow(term, halves);
      Numbers.addHalves(sum, halves);
      told.append(digest(sum));
      for (DType travelling : new DType[] {DType.F32, DType.BF16}) {
        InProcessRanks.run(
                2,
                group -> {
                  MemorySegment mine = arena.allocateFrom(ValueLayout.JAVA_FLOAT, finite);
                  group.allReduce(mine, travelling).run();
                  return digest(mine);
                })
            .forEach(told::append);
      }
    }
    return told.toString();
  }

  private static String digest(MemorySegment memory) {
    return Arrays.hashCode(memory.toArray(ValueLayout.JAVA_BYTE)) + "\n";
  }

  @Test
  void withoutTheVectorModulePlainLoopsGiveTheSameBits() throws Exception {
    assertThat(Numbers.VECTORS).as("tests run with the Vector API").isTrue();
    Process process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output).isEqualToNormalizingNewlines("false\n" + bits());
  }
}
