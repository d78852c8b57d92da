package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.freetransformer.tensor.Philox;
import org.junit.jupiter.api.Test;

class VectorPhiloxTest {
  @Test
  void drawsTheWordsOfThePlainGenerator() {
    Random random = new Random(1);
    int[] block = new int[4];
    for (int call = 0; call < 3000; call++) {
      int count = random.nextInt(40);
      int[] words = new int[4 * (count + VectorPhilox.LANES)];
      int[] key = random.ints(2).toArray();
      // Counters wrap round now and then.
      int first = random.nextBoolean() ? -random.nextInt(20) : random.nextInt();
      int[] rest = random.ints(3).toArray();
      VectorPhilox.blocks(key[0], key[1], first, rest[0], rest[1], rest[2], count, words);
      for (int i = 0; i < count; i++) {
        Philox.block(key[0], key[1], first + i, rest[0], rest[1], rest[2], block);
        assertThat(Arrays.copyOfRange(words, 4 * i, 4 * i + 4)).as("block %d", i).isEqualTo(block);
      }
    }
  }
}
