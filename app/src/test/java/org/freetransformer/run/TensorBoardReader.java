package org.freetransformer.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A strict reader of event files, written from the format's definition and without the library that
 * writes them: whatever is not exactly as defined fails the test.
 */
final class TensorBoardReader {
  /** CRC-32C, reflected polynomial of Castagnoli (RFC 3720, B.4). */
  private static final int POLYNOMIAL = 0x82F63B78;

  /**
   * One event.
   *
   * @param fileVersion null but in the first
   * @param starts whether it begins a session
   */
  record Event(
      double wallTime,
      long step,
      @Nullable String fileVersion,
      boolean starts,
      Map<String, Float> scalars) {}

  private TensorBoardReader() {}

  static List<Event> read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<Event> events = new ArrayList<>();
    while (bytes.hasRemaining()) {
      ByteBuffer length = bytes.slice(bytes.position(), 8);
      long size = bytes.getLong();
      assertThat(bytes.getInt()).as("CRC of the length").isEqualTo(masked(length));
      ByteBuffer message = bytes.slice(bytes.position(), Math.toIntExact(size));
      bytes.position(bytes.position() + message.capacity());
      assertThat(bytes.getInt()).as("CRC of the message").isEqualTo(masked(message));
      events.add(event(message.order(ByteOrder.LITTLE_ENDIAN)));
    }
    return events;
  }

  static int masked(ByteBuffer bytes) {
    int crc = ~0;
    for (int i = 0; i < bytes.limit(); i++) {
      crc ^= bytes.get(i) & 0xFF;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc >>> 1) ^ ((crc & 1) == 1 ? POLYNOMIAL : 0);
      }
    }
    crc = ~crc;
    return ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
  }

  private static Event event(ByteBuffer message) {
    double wallTime = Double.NaN;
    long step = 0;
    @Nullable String version = null;
    boolean starts = false;
    Map<String, Float> scalars = new LinkedHashMap<>();
    while (message.hasRemaining()) {
      int tag = (int) varint(message);
      switch (tag) {
        case 1 << 3 | 1 -> wallTime = message.getDouble();
        case 2 << 3 -> step = varint(message);
        case 3 << 3 | 2 -> version = text(message);
        case 5 << 3 | 2 -> summary(inner(message), scalars);
        case 7 << 3 | 2 -> {
          ByteBuffer session = inner(message);
          assertThat(varint(session)).isEqualTo(1 << 3);
          assertThat(varint(session)).as("status START").isEqualTo(1);
          starts = true;
        }
        default -> throw new AssertionError("unexpected tag of an event: " + tag);
      }
    }
    return new Event(wallTime, step, version, starts, scalars);
  }

  private static void summary(ByteBuffer summary, Map<String, Float> scalars) {
    while (summary.hasRemaining()) {
      assertThat(varint(summary)).as("repeated value").isEqualTo(1 << 3 | 2);
      ByteBuffer value = inner(summary);
      assertThat(varint(value)).as("tag").isEqualTo(1 << 3 | 2);
      String name = text(value);
      assertThat(varint(value)).as("simple_value").isEqualTo(2 << 3 | 5);
      assertThat(scalars.put(name, value.getFloat())).as(name).isNull();
      assertThat(value.hasRemaining()).isFalse();
    }
  }

  private static ByteBuffer inner(ByteBuffer message) {
    int size = (int) varint(message);
    ByteBuffer inner = message.slice(message.position(), size).order(ByteOrder.LITTLE_ENDIAN);
    message.position(message.position() + size);
    return inner;
  }

  private static String text(ByteBuffer message) {
    return StandardCharsets.UTF_8.decode(inner(message)).toString();
  }

  private static long varint(ByteBuffer message) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = message.get();
      value |= (long) (next & 0x7F) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }
}
