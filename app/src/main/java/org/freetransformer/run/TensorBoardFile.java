package org.freetransformer.run;

import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A run's figures as TensorBoard reads them: {@code tensorboard --logdir} the run folder, or the
 * one above it.
 *
 * <p>An event file is a sequence of records (length, masked CRC-32C of the length, message, masked
 * CRC-32C of the message; all numbers little-endian), each an {@code Event} in protocol buffers'
 * wire format. Sources: tensorflow/core/lib/io/record_writer.cc, lib/hash/crc32c.h,
 * util/event.proto and framework/summary.proto, from which the field numbers are.
 */
public final class TensorBoardFile implements AutoCloseable {
  private static final String PREFIX = "events.out.tfevents.";
  private static final String VERSION = "brain.Event:2";
  private static final int CRC_MASK = 0xa282ead8;

  private static final int EVENT_WALL_TIME = 1;
  private static final int EVENT_STEP = 2;
  private static final int EVENT_FILE_VERSION = 3;
  private static final int EVENT_SUMMARY = 5;
  private static final int EVENT_SESSION_LOG = 7;
  private static final int SUMMARY_VALUE = 1;
  private static final int VALUE_TAG = 1;
  private static final int VALUE_SIMPLE_VALUE = 2;
  private static final int SESSION_LOG_STATUS = 1;
  private static final int SESSION_STARTS = 1;

  private final Path path;
  private final FileChannel channel;

  private TensorBoardFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /** Part of a message. */
  @FunctionalInterface
  private interface Content {
    void write(CodedOutputStream out) throws IOException;
  }

  /**
   * Begins a new file beside those of earlier processes. Its first records make readers forget what
   * the others say of later steps, which a resumed run takes again.
   *
   * @param folder of the run
   * @param step the last step that stays
   */
  public static TensorBoardFile from(Path folder, long step) throws IOException {
    Path path = folder.resolve(newName(folder));
    TensorBoardFile file =
        new TensorBoardFile(
            path, FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
    try {
      file.begin(step);
      return file;
    } catch (IOException | RuntimeException failure) {
      file.close();
      throw failure;
    }
  }

  private void begin(long step) throws IOException {
    event(out -> out.writeString(EVENT_FILE_VERSION, VERSION));
    if (step > 0) {
      byte[] start = message(out -> out.writeEnum(SESSION_LOG_STATUS, SESSION_STARTS));
      event(out -> {
        out.writeInt64(EVENT_STEP, step + 1);
        out.writeByteArray(EVENT_SESSION_LOG, start);
      });
    }
  }

  /** Readers take files in the order of their names: by time, and by number within a second. */
  private static String newName(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      long before =
          files.filter(file -> String.valueOf(file.getFileName()).startsWith(PREFIX)).count();
      String host = InetAddress.getLoopbackAddress().getHostName();
      return "%s%010d.%s.%04d".formatted(PREFIX, System.currentTimeMillis() / 1000, host, before);
    }
  }

  /**
   * Adds the numbers of a line of metrics, as scalars {@code group/key}. A list gets a scalar for
   * each of its entries, such as {@code train/kl_per_bit/00}; what is not a number is left out.
   */
  public void add(long step, String group, Map<String, ? extends @Nullable Object> line)
      throws IOException {
    byte[] summary =
        message(out -> {
          for (Map.Entry<String, ? extends @Nullable Object> entry : line.entrySet()) {
            if (!entry.getKey().equals("step")) {
              scalars(out, group + "/" + entry.getKey(), entry.getValue());
            }
          }
        });
    event(out -> {
      out.writeInt64(EVENT_STEP, step);
      out.writeByteArray(EVENT_SUMMARY, summary);
    });
  }

  private static void scalars(CodedOutputStream out, String tag, @Nullable Object value)
      throws IOException {
    switch (value) {
      case Number number ->
          out.writeByteArray(
              SUMMARY_VALUE,
              message(inner -> {
                inner.writeString(VALUE_TAG, tag);
                inner.writeFloat(VALUE_SIMPLE_VALUE, number.floatValue());
              }));
      case List<?> list -> {
        for (int i = 0; i < list.size(); i++) {
          scalars(out, "%s/%02d".formatted(tag, i), list.get(i));
        }
      }
      case Map<?, ?> map -> {
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          scalars(out, tag + "/" + entry.getKey(), entry.getValue());
        }
      }
      case null, default -> {}
    }
  }

  private void event(Content content) throws IOException {
    record(
        message(out -> {
          out.writeDouble(EVENT_WALL_TIME, System.currentTimeMillis() * 1e-3);
          content.write(out);
        }));
  }

  private static byte[] message(Content content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    content.write(out);
    out.flush();
    return bytes.toByteArray();
  }

  private void record(byte[] message) throws IOException {
    ByteBuffer framed =
        ByteBuffer.allocate(Long.BYTES + Integer.BYTES + message.length + Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(message.length);
    framed
        .putInt(maskedCrc(framed.array(), 0, Long.BYTES))
        .put(message)
        .putInt(maskedCrc(message, 0, message.length))
        .flip();
    try {
      while (framed.hasRemaining()) {
        channel.write(framed);
      }
    } catch (IOException failure) {
      throw FileProblems.cannotWrite(path, failure);
    }
  }

  /** Masked, because a CRC of data that holds CRCs is weak. */
  private static int maskedCrc(byte[] bytes, int offset, int length) {
    CRC32C checksum = new CRC32C();
    checksum.update(bytes, offset, length);
    return Integer.rotateRight((int) checksum.getValue(), 15) + CRC_MASK;
  }

  /** Makes sure that all is on the disk. */
  public void flush() throws IOException {
    try {
      channel.force(true);
    } catch (IOException failure) {
      throw FileProblems.cannotWrite(path, failure);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
