package org.freetransformer.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What goes into a safetensors file: texts and tensors, in this order. The data begins at a
 * multiple of 64 bytes, so that mapped tensors of whole cache lines are aligned to them.
 *
 * @param metadata texts by key
 * @param tensors with different names
 */
public record TensorFile(Map<String, String> metadata, List<TensorSource> tensors) {

  private static final int ALIGNMENT = 64;

  /**
   * Checks the names.
   *
   * @throws IllegalArgumentException if a name stands twice or is the one of the metadata
   */
  public TensorFile {
    metadata = new LinkedHashMap<>(metadata);
    tensors = List.copyOf(tensors);
    Set<String> names = new HashSet<>();
    names.add(SafeTensorsHeader.METADATA);
    for (TensorSource tensor : tensors) {
      if (!names.add(tensor.name())) {
        throw new IllegalArgumentException(
            "the tensor name '%s' is taken; names must differ".formatted(tensor.name()));
      }
    }
  }

  /**
   * Writes the file in one step: a reader sees all of it or what was there before.
   *
   * @throws IOException if the disk is full, the folder cannot be written, or a tensor's content
   *     fails; nothing is left behind then
   */
  public void write(Path file) throws IOException {
    AtomicFile.write(file, this::writeTo);
  }

  /** What stands in the file before the data. */
  ByteBuffer start() throws IOException {
    byte[] json = header().getBytes(StandardCharsets.UTF_8);
    int padded = Math.ceilDiv(Long.BYTES + json.length, ALIGNMENT) * ALIGNMENT;
    ByteBuffer start = ByteBuffer.allocate(padded).order(ByteOrder.LITTLE_ENDIAN);
    start.putLong(padded - Long.BYTES).put(json);
    while (start.hasRemaining()) {
      start.put((byte) ' ');
    }
    return start.flip();
  }

  /** Where each tensor begins behind {@link #start}, in bytes. */
  Map<String, Long> offsets() {
    Map<String, Long> offsets = new LinkedHashMap<>();
    long offset = 0;
    for (TensorSource tensor : tensors) {
      offsets.put(tensor.name(), offset);
      offset = Math.addExact(offset, tensor.bytes());
    }
    return offsets;
  }

  /** Writes header and data to a channel that takes what it is given in one go. */
  void writeTo(WritableByteChannel channel) throws IOException {
    channel.write(start());
    for (TensorSource tensor : tensors) {
      CountingChannel counting = new CountingChannel(channel);
      tensor.content().writeTo(counting);
      if (counting.written != tensor.bytes()) {
        throw new IOException(
            "tensor '%s' of %s %s needs %d bytes, but its content gave %d"
                .formatted(
                    tensor.name(),
                    tensor.type(),
                    tensor.shape(),
                    tensor.bytes(),
                    counting.written));
      }
    }
  }

  private String header() throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart(SafeTensorsHeader.METADATA);
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      long offset = 0;
      for (TensorSource tensor : tensors) {
        long end = Math.addExact(offset, tensor.bytes());
        writeEntry(json, tensor, offset, end);
        offset = end;
      }
      json.writeEndObject();
    }
    return text.toString();
  }

  private static void writeEntry(JsonGenerator json, TensorSource tensor, long begin, long end)
      throws IOException {
    json.writeObjectFieldStart(tensor.name());
    json.writeStringField("dtype", tensor.type().name());
    json.writeArrayFieldStart("shape");
    for (long size : tensor.shape()) {
      json.writeNumber(size);
    }
    json.writeEndArray();
    json.writeArrayFieldStart("data_offsets");
    json.writeNumber(begin);
    json.writeNumber(end);
    json.writeEndArray();
    json.writeEndObject();
  }

  /** Passes bytes on and counts them, so that a content cannot shift those after it. */
  private static final class CountingChannel implements WritableByteChannel {
    private final WritableByteChannel channel;
    private long written;
    private boolean open = true;

    CountingChannel(WritableByteChannel channel) {
      this.channel = channel;
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      if (!open) {
        throw new ClosedChannelException();
      }
      int length = channel.write(bytes);
      written += length;
      return length;
    }

    @Override
    public boolean isOpen() {
      return open;
    }

    @Override
    public void close() {
      open = false;
    }
  }
}
