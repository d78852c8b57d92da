package org.freetransformer.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Spoils files: one to eight small changes, of kinds that tend to find what a reader forgot. */
final class Mutator {
  private static final long[] EDGES = {
    0,
    1,
    -1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    0xFFFF_FFFFL,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    1L << 40
  };
  private static final int MOST_REPEATS = 2000;

  private final SplittableRandom random;
  private final List<String> words;

  /**
   * A mutator.
   *
   * @param words pieces of text to put in
   */
  Mutator(SplittableRandom random, List<String> words) {
    this.random = random;
    this.words = words;
  }

  byte[] mutate(byte[] file) {
    byte[] changed = file;
    for (int i = 1 + random.nextInt(1 + random.nextInt(8)); i > 0; i--) {
      changed = once(changed);
    }
    return changed;
  }

  private byte[] once(byte[] file) {
    int at = random.nextInt(file.length + 1);
    int end = Math.min(file.length, at + random.nextInt(1 + Math.min(64, file.length)));
    return switch (random.nextInt(9)) {
      case 0 -> flipped(file, at);
      case 1 -> overwritten(file, at, new byte[] {(byte) random.nextInt(256)});
      case 2 -> overwritten(file, at, edge(random.nextBoolean() ? 4 : 8));
      case 3 -> joined(file, at, new byte[0], end); // A piece taken out.
      case 4 -> joined(file, at, Arrays.copyOfRange(file, at, end), at); // One doubled.
      case 5 -> Arrays.copyOf(file, at);
      case 6 -> joined(file, at, word(), random.nextBoolean() ? at : end);
      case 7 -> joined(file, at, repeated(file, at, end), at);
      default -> moved(file, at, end);
    };
  }

  private byte[] flipped(byte[] file, int at) {
    byte[] changed = file.clone();
    if (at < file.length) {
      changed[at] ^= (byte) (1 << random.nextInt(8));
    }
    return changed;
  }

  private static byte[] overwritten(byte[] file, int at, byte[] piece) {
    byte[] changed = file.clone();
    System.arraycopy(piece, 0, changed, at, Math.min(piece.length, file.length - at));
    return changed;
  }

  private byte[] edge(int bytes) {
    long value = EDGES[random.nextInt(EDGES.length)];
    byte[] wide = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    return Arrays.copyOf(wide, bytes);
  }

  private byte[] word() {
    return words.isEmpty()
        ? edge(8)
        : words.get(random.nextInt(words.size())).getBytes(StandardCharsets.UTF_8);
  }

  private byte[] repeated(byte[] file, int from, int end) {
    byte[] piece = Arrays.copyOfRange(file, from, Math.min(end, from + 8));
    ByteArrayOutputStream many = new ByteArrayOutputStream();
    for (int i = random.nextInt(MOST_REPEATS); i > 0; i--) {
      many.writeBytes(piece);
    }
    return many.toByteArray();
  }

  private byte[] moved(byte[] file, int from, int end) {
    byte[] piece = Arrays.copyOfRange(file, from, end);
    byte[] rest = joined(file, from, new byte[0], end);
    int at = random.nextInt(rest.length + 1);
    return joined(rest, at, piece, at);
  }

  /** The file up to {@code at}, the piece, and the file from {@code rest} on. */
  private static byte[] joined(byte[] file, int at, byte[] piece, int rest) {
    byte[] changed = new byte[at + piece.length + file.length - rest];
    System.arraycopy(file, 0, changed, 0, at);
    System.arraycopy(piece, 0, changed, at, piece.length);
    System.arraycopy(file, rest, changed, at + piece.length, file.length - rest);
    return changed;
  }
}
