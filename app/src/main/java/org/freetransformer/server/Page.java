package org.freetransformer.server;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Optional;

/** The plan explorer's files, from the class path. */
final class Page {
  private static final String INDEX = "index.html";

  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "json", "application/json",
          "svg", "image/svg+xml",
          "png", "image/png",
          "ico", "image/x-icon");

  private static final String UNKNOWN_TYPE = "application/octet-stream";

  private Page() {}

  /** The page itself. */
  static void index(Call call) throws IOException {
    send(call, INDEX);
  }

  /** A file that it needs, by its name alone: no folder, and nothing hidden. */
  static void asset(Call call, String name) throws IOException {
    if (!name.matches("[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)+") || name.equals(INDEX)) {
      throw missing(name);
    }
    send(call, name);
  }

  private static void send(Call call, String name) throws IOException {
    byte[] bytes = read(name).orElseThrow(() -> missing(name));
    call.setHeader("Cache-Control", "no-cache");
    String ending = name.substring(name.lastIndexOf('.') + 1);
    call.bytes(200, TYPES.getOrDefault(ending, UNKNOWN_TYPE), bytes);
  }

  private static Optional<byte[]> read(String name) throws IOException {
    try (InputStream file = Page.class.getResourceAsStream("page/" + name)) {
      return file == null ? Optional.empty() : Optional.of(file.readAllBytes());
    }
  }

  private static HttpError missing(String name) {
    return new HttpError(HttpError.NOT_FOUND, "the page has no file '%s'".formatted(name));
  }
}
