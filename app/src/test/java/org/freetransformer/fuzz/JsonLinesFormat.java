package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Documents as lines of JSON; whatever a line holds, the others are read. */
final class JsonLinesFormat implements Format {
  private final Path file;

  JsonLinesFormat(Path folder) {
    file = folder.resolve("lines.jsonl");
  }

  @Override
  public List<byte[]> seeds() {
    String lines =
        """
        {"text": "one \\u00e9 two", "id": 1}
        {"id": {"text": [1, 2, {"text": "inner"}]}, "text": "three\\n"}
        {"text": null}
        """;
    return List.of(lines.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public List<String> words() {
    return Words.jsonAnd("{\"text\":", "\"text\":", "\r\n", "\u00ef\u00bb\u00bf", "\u00ff\u00fe");
  }

  @Override
  public void read(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    Documents.readAll(file);
  }

  @Override
  public boolean isRefusal(Throwable problem) {
    return false;
  }
}
