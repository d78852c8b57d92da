package org.freetransformer.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Bytes that should be text. */
public final class TextBytes {

  private TextBytes() {}

  /**
   * Gives bytes to a sink as a document, or tells it why they are none.
   *
   * @throws IOException if the sink fails
   */
  public static void document(String place, byte[] bytes, DocumentSink sink) throws IOException {
    stretch(place, bytes, 0, 1, sink);
  }

  /** The same with the stretch of a text that lies between two shares of it. */
  static void stretch(String place, byte[] bytes, double from, double to, DocumentSink sink)
      throws IOException {
    if (bytes.length > Document.MAX_BYTES) {
      sink.skip(SkipReason.TOO_LARGE, place, "%,d bytes".formatted(bytes.length));
      return;
    }
    for (byte value : bytes) {
      if (value == 0) {
        sink.skip(SkipReason.BINARY, place, "");
        return;
      }
    }
    String text = decode(bytes);
    if (text == null) {
      sink.skip(SkipReason.INVALID_UTF8, place, "");
    } else {
      sink.document(new Document(place, text, from, to));
    }
  }

  /** The text of UTF-8; null if it is not UTF-8. */
  public static @Nullable String decode(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException invalid) {
      return null;
    }
  }
}
