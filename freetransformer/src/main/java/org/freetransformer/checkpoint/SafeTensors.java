package org.freetransformer.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A safetensors file, mapped into memory: nothing is read before it is used, and nothing is copied.
 *
 * <p>The format: 8 bytes little-endian header length, the header (see {@link SafeTensorsHeader}),
 * the data. Everything a header claims is checked when the file is opened.
 */
public final class SafeTensors implements TensorStore {

  /** The longest header taken, as in the format's own library. */
  static final long MAX_HEADER_BYTES = 100_000_000;

  private static final int LENGTH_BYTES = Long.BYTES;
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String source;
  private final @Nullable Arena arena;
  private final MemorySegment data;
  private final SafeTensorsHeader header;
  private final Map<String, SafeTensorsHeader.Placed> byName = new LinkedHashMap<>();

  private SafeTensors(String source, @Nullable Arena arena, MemorySegment file) {
    this.source = source;
    this.arena = arena;
    long headerBytes = headerBytes(source, file);
    long dataStart = LENGTH_BYTES + headerBytes;
    String json = decode(source, file.asSlice(LENGTH_BYTES, headerBytes));
    this.header = SafeTensorsHeader.parse(json, source, file.byteSize() - dataStart);
    this.data = file.asSlice(dataStart);
    header.tensors().forEach(tensor -> byName.put(tensor.entry().name(), tensor));
  }

  /**
   * Maps a file and checks its header.
   *
   * @throws CheckpointException if it is missing, cannot be read, or is not a safetensors file
   */
  @SuppressWarnings("MustBeClosedChecker") // The arena lives until close.
  public static SafeTensors open(Path file) {
    Arena arena = Arena.ofShared();
    try {
      return new SafeTensors(file.toString(), arena, MappedFile.map(file, arena));
    } catch (RuntimeException | Error refused) {
      arena.close();
      throw refused;
    }
  }

  /** Reads a file's bytes that are in memory already, and stay the caller's. */
  static SafeTensors of(MemorySegment file, String source) {
    return new SafeTensors(source, null, file);
  }

  @Override
  public String format() {
    return "safetensors";
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /** All tensors, in the order of their data. */
  @Override
  public List<TensorEntry> tensors() {
    return header.tensors().stream().map(SafeTensorsHeader.Placed::entry).toList();
  }

  @Override
  public boolean has(String name) {
    return byName.containsKey(name);
  }

  @Override
  public TensorEntry tensor(String name) {
    return placed(name).entry();
  }

  private SafeTensorsHeader.Placed placed(String name) {
    SafeTensorsHeader.Placed tensor = byName.get(name);
    if (tensor == null) {
      throw CheckpointException.noTensor(source, name, byName.keySet());
    }
    return tensor;
  }

  /**
   * The bytes of a tensor, read-only and valid until {@link #close}; little-endian, and aligned to
   * nothing: read them with unaligned layouts.
   *
   * @throws CheckpointException if there is none of this name
   */
  public MemorySegment data(String name) {
    SafeTensorsHeader.Placed tensor = placed(name);
    return data.asSlice(tensor.begin(), tensor.end() - tensor.begin()).asReadOnly();
  }

  @Override
  public MemorySegment rows(String name, SegmentAllocator memory) {
    return data(name);
  }

  /**
   * A tensor's elements as floats, from F32, F64 (rounded), F16 or BF16.
   *
   * @throws CheckpointException if there is none of this name, it holds no floats, or more than fit
   *     an array
   */
  public float[] floats(String name) {
    TensorEntry tensor = tensor(name);
    if (tensor.elements() > Integer.MAX_VALUE - 8) {
      throw new CheckpointException(
          source, "tensor '%s' is too large for one array".formatted(name));
    }
    if (!FloatElements.isFloat(tensor.type())) {
      throw new CheckpointException(
          source,
          "tensor '%s' is %s; allowed here are F32, F64, F16 and BF16"
              .formatted(name, tensor.type()));
    }
    float[] values = new float[(int) tensor.elements()];
    MemorySegment bytes = data(name);
    for (int i = 0; i < values.length; i++) {
      values[i] = FloatElements.get(tensor.type(), bytes, i);
    }
    return values;
  }

  /** Unmaps the file; its data may not be used any more. */
  @Override
  public void close() {
    if (arena != null) {
      arena.close();
    }
  }

  private static long headerBytes(String source, MemorySegment file) {
    if (file.byteSize() < LENGTH_BYTES) {
      throw CheckpointException.damaged(
          source,
          "is not a safetensors file: it has %d bytes, fewer than the 8 of the header's length"
              .formatted(file.byteSize()));
    }
    long length = file.get(LONG, 0);
    long most = Math.min(MAX_HEADER_BYTES, file.byteSize() - LENGTH_BYTES);
    if (length < 2 || length > most) {
      throw CheckpointException.damaged(
          source,
          "is not a safetensors file, or is cut short: it gives its header's length as %s bytes; allowed here are 2 to %d"
              .formatted(Long.toUnsignedString(length), most));
    }
    return length;
  }

  private static String decode(String source, MemorySegment header) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(header.toArray(ValueLayout.JAVA_BYTE));
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException notUtf8) {
      throw CheckpointException.damaged(source, "the header is not valid UTF-8", notUtf8);
    }
  }
}
