package org.freetransformer.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A file that PyTorch 1.6 or newer wrote with {@code torch.save}: a zip archive of a pickle and of
 * one record for every storage. The storages are mapped into memory; the pickle is read without
 * running anything that it names.
 */
public final class TorchFile implements AutoCloseable {
  private static final String PICKLE = "/data.pkl";
  private static final int OLD_FORMAT = 0x0a8a0280; // A pickled number of ten bytes.
  private static final int ZIP = 0x04034b50;
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String source;
  private final @Nullable Arena arena;
  private final @Nullable Object root;

  private TorchFile(String source, @Nullable Arena arena, MemorySegment file) {
    this.source = source;
    this.arena = arena;
    requireZip(file);
    Map<String, MemorySegment> records = StoredZip.entries(file, source);
    String folder = folderOf(records);
    requireLittleEndian(records.get(folder + "/byteorder"));
    MemorySegment pickle = records.getOrDefault(folder + PICKLE, MemorySegment.NULL);
    if (pickle.byteSize() > PickleReader.MAX_BYTES) {
      throw fail(
          "its pickle has %d bytes; at most %d are read"
              .formatted(pickle.byteSize(), PickleReader.MAX_BYTES));
    }
    TorchTypes types = new TorchTypes(records, folder, source);
    this.root = new PickleReader(pickle.asByteBuffer(), source, types).read();
  }

  /**
   * Whether a file begins as one that PyTorch saved, be it in its present or its old format; a
   * safetensors file begins otherwise. False for a file that cannot be read.
   */
  static boolean isOne(Path file) {
    try (InputStream stream = Files.newInputStream(file)) {
      byte[] start = stream.readNBytes(Integer.BYTES);
      if (start.length < Integer.BYTES) {
        return false;
      }
      int magic = MemorySegment.ofArray(start).get(INT, 0);
      return magic == ZIP || magic == OLD_FORMAT;
    } catch (IOException unreadable) {
      return false;
    }
  }

  /**
   * Maps a file and reads its pickle.
   *
   * @throws CheckpointException if it is missing, cannot be read, is damaged, or holds anything but
   *     tensors and plain values
   */
  @SuppressWarnings("MustBeClosedChecker") // The arena lives until close.
  public static TorchFile open(Path file) {
    Arena arena = Arena.ofShared();
    try {
      return new TorchFile(file.toString(), arena, MappedFile.map(file, arena));
    } catch (RuntimeException | Error refused) {
      arena.close();
      throw refused;
    }
  }

  /** Reads a file's bytes that are in memory already, and stay the caller's. */
  static TorchFile of(MemorySegment file, String source) {
    return new TorchFile(source, null, file);
  }

  /** Where it came from, for messages: the file's path. */
  public String source() {
    return source;
  }

  /**
   * What was saved: a {@link TorchTensor}, a map (a dictionary), a list (a list or a tuple), text,
   * a number, a truth value, or null. Maps and lists hold the same; they nest at most 64 deep.
   */
  public @Nullable Object root() {
    return root;
  }

  /**
   * The one tensor that was saved.
   *
   * @throws CheckpointException if something else was
   */
  public TorchTensor tensor() {
    if (root instanceof TorchTensor tensor) {
      return tensor;
    }
    throw fail("holds %s; one tensor is needed".formatted(describe(root)));
  }

  /**
   * What was saved under text keys.
   *
   * @throws CheckpointException if it is not a dictionary
   */
  public Map<?, ?> dictionary() {
    if (root instanceof Map<?, ?> map) {
      return map;
    }
    throw fail("holds %s; a dictionary is needed".formatted(describe(root)));
  }

  /** What a value is, in a few words. */
  static String describe(@Nullable Object value) {
    return switch (value) {
      case null -> "nothing";
      case TorchTensor tensor -> "a tensor of %s %s".formatted(tensor.type(), tensor.shape());
      case Map<?, ?> map -> "a dictionary of " + map.size();
      case List<?> list -> "a list of " + list.size();
      case String _ -> "text";
      case Number number -> "the number " + number;
      default -> "another value";
    };
  }

  private void requireZip(MemorySegment file) {
    int magic = file.byteSize() < INT.byteSize() ? 0 : file.get(INT, 0);
    if (magic == OLD_FORMAT) {
      throw fail(
          "is in the format of PyTorch before 1.6; load and save it once with a newer PyTorch");
    }
    if (magic != ZIP) {
      throw fail("is not a file of torch.save: it does not begin as a zip archive");
    }
  }

  private String folderOf(Map<String, MemorySegment> records) {
    List<String> found =
        records.keySet().stream()
            .filter(name -> name.endsWith(PICKLE) && name.indexOf('/') == name.lastIndexOf('/'))
            .toList();
    if (found.size() != 1) {
      throw fail("is a zip archive, but not one of torch.save: it has no FOLDER" + PICKLE);
    }
    String name = found.getFirst();
    return name.substring(0, name.length() - PICKLE.length());
  }

  private void requireLittleEndian(@Nullable MemorySegment order) {
    if (order == null || order.byteSize() > 16) {
      return;
    }
    byte[] text = order.toArray(ValueLayout.JAVA_BYTE);
    if (!new String(text, StandardCharsets.US_ASCII).equals("little")) {
      throw fail("was written on a big-endian machine; only little-endian files are read");
    }
  }

  private CheckpointException fail(String problem) {
    return new CheckpointException(source, problem);
  }

  /** Unmaps the file; its tensors may not be used any more. */
  @Override
  public void close() {
    if (arena != null) {
      arena.close();
    }
  }
}
