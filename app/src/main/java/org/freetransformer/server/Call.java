package org.freetransformer.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.data.TextBytes;
import org.freetransformer.run.Json;
import org.jspecify.annotations.Nullable;

/** A request, and the way to answer it. */
final class Call {
  /** Most bytes of a body. */
  static final int MOST_BYTES = 1 << 20;

  /** Bytes of a body that are read although it is too long: who is sending hears no answer. */
  private static final int DRAINED = 16 << 20;

  /** Beginning of the paths whose errors look like OpenAI's. */
  private static final String OPEN_AI = "/v1/";

  private static final String JSON = "application/json";
  private static final long CHUNKED = 0;
  private static final long NO_BODY = -1;

  private final HttpExchange exchange;
  private final WriteLimit limit;
  private final BiConsumer<String, Throwable> failures;

  /**
   * A request that waits for its answer.
   *
   * @param failures told of what the client is not told
   */
  Call(HttpExchange exchange, WriteLimit limit, BiConsumer<String, Throwable> failures) {
    this.exchange = exchange;
    this.limit = limit;
    this.failures = failures;
  }

  String method() {
    return exchange.getRequestMethod();
  }

  /** Decoded. */
  String path() {
    return exchange.getRequestURI().getPath();
  }

  /** The only value of a header; null if it is absent or there are several. */
  @Nullable String header(String name) {
    var values = exchange.getRequestHeaders().get(name);
    return values != null && values.size() == 1 ? values.getFirst() : null;
  }

  /**
   * Reads the body.
   *
   * @throws HttpError if it is none of JSON, too large, or not a JSON object
   * @throws IOException if the client is gone
   */
  ConfigSection body() throws IOException {
    requireJson();
    InputStream in = exchange.getRequestBody();
    byte[] bytes = in.readNBytes(MOST_BYTES + 1);
    if (bytes.length > MOST_BYTES) {
      drain(in);
      throw new HttpError(
              HttpError.TOO_LARGE,
              "the body is too large; allowed are %d bytes".formatted(MOST_BYTES))
          .with("Connection", "close");
    }
    String text = TextBytes.decode(bytes);
    if (text == null) {
      throw new HttpError(HttpError.BAD_REQUEST, "the body is not UTF-8");
    }
    return ConfigSection.root(ConfigJson.read(text, "the body"));
  }

  private static void drain(InputStream in) throws IOException {
    byte[] piece = new byte[1 << 16];
    for (int left = DRAINED; left > 0; ) {
      int read = in.read(piece);
      if (read < 0) {
        return;
      }
      left -= read;
    }
  }

  private void requireJson() {
    String type = String.valueOf(header("Content-Type")).toLowerCase(Locale.ROOT);
    String[] parts = type.split(";", -1);
    boolean json = parts[0].strip().equals(JSON);
    for (int i = 1; i < parts.length; i++) {
      String parameter = parts[i].replaceAll("[\\s\"]", "");
      json &= !parameter.startsWith("charset=") || parameter.equals("charset=utf-8");
    }
    if (!json) {
      throw new HttpError(
          HttpError.UNSUPPORTED_TYPE,
          "Content-Type %s; allowed is %s in UTF-8".formatted(header("Content-Type"), JSON));
    }
  }

  /** Answers with an object; after {@link #keepWaiting} with the status that was sent then. */
  void json(int status, Map<String, ? extends @Nullable Object> object) throws IOException {
    byte[] bytes = (Json.write(object) + "\n").getBytes(UTF_8);
    if (!isAnswered()) {
      bytes(status, JSON, bytes);
      return;
    }
    limit.run(() -> {
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(bytes);
      }
    });
  }

  /**
   * Tells the client that an object is still to come, by a blank, which may stand before a value of
   * JSON (RFC 8259, section 2): who has gone away is noticed, and no one in between hangs up. With
   * the first blank goes the status 200.
   *
   * @throws IOException if the client is gone
   */
  void keepWaiting() throws IOException {
    if (!isAnswered()) {
      setHeader("Content-Type", JSON);
      limit.run(() -> exchange.sendResponseHeaders(200, CHUNKED));
    }
    OutputStream out = exchange.getResponseBody();
    limit.run(() -> {
      out.write(' ');
      out.flush();
    });
  }

  /** Breaks the connection off, so that no one takes what was sent of an answer for all of it. */
  void breakOff() {
    Thread.currentThread().interrupt(); // A thread that is interrupted closes what it writes to.
    try {
      OutputStream out = exchange.getResponseBody();
      out.write(' ');
      out.flush();
    } catch (IOException _) {
      // So it should be.
    } finally {
      boolean _ = Thread.interrupted();
    }
  }

  /** What a failure means to the client; the server's own faults are told to its owner alone. */
  HttpError errorOf(Throwable failure) {
    return switch (failure) {
      case HttpError error -> error;
      case ConfigException wrong -> HttpError.of(wrong);
      default -> {
        failures.accept(method() + " " + path(), failure);
        yield HttpError.internal();
      }
    };
  }

  /** Answers with an error. */
  void error(HttpError error) throws IOException {
    error.headers().forEach(this::setHeader);
    json(error.status(), path().startsWith(OPEN_AI) ? error.openAiJson() : error.json());
  }

  /** Answers with bytes of a type; a HEAD request without them. */
  void bytes(int status, String type, byte[] bytes) throws IOException {
    setHeader("Content-Type", type);
    boolean head = method().equals("HEAD");
    if (head) {
      setHeader("Content-Length", String.valueOf(bytes.length));
    }
    limit.run(() -> {
      exchange.sendResponseHeaders(status, head || bytes.length == 0 ? NO_BODY : bytes.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(head ? new byte[0] : bytes);
      }
    });
  }

  /** Begins an answer that comes in events. */
  EventStream events() throws IOException {
    setHeader("Content-Type", "text/event-stream");
    setHeader("X-Accel-Buffering", "no"); // Asks a proxy to pass every event on at once.
    limit.run(() -> exchange.sendResponseHeaders(200, CHUNKED));
    return new EventStream(exchange.getResponseBody(), limit);
  }

  void setHeader(String name, String value) {
    exchange.getResponseHeaders().set(name, value);
  }

  /** Whether an answer has begun. */
  boolean isAnswered() {
    return exchange.getResponseCode() != -1;
  }
}
