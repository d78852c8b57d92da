package org.freetransformer.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;
import org.freetransformer.run.Json;
import org.jspecify.annotations.Nullable;

/**
 * An answer that comes in server-sent events, each sent at once. Source: WHATWG's HTML standard,
 * section 9.2.
 */
final class EventStream implements AutoCloseable {
  private final OutputStream out;
  private final WriteLimit limit;

  EventStream(OutputStream out, WriteLimit limit) {
    this.out = out;
    this.limit = limit;
  }

  /** Sends an event of a name. */
  void event(String name, Map<String, ? extends @Nullable Object> data) throws IOException {
    send("event: " + name + "\ndata: " + Json.write(data) + "\n\n");
  }

  /** Sends an event without a name. */
  void data(Map<String, ? extends @Nullable Object> data) throws IOException {
    line(Json.write(data));
  }

  /** Sends an event without a name whose data is a line of text. */
  void line(String data) throws IOException {
    send("data: " + data + "\n\n");
  }

  /** Sends what clients pass over: who has gone away is noticed, and no one in between hangs up. */
  void keepAlive() throws IOException {
    send(":\n\n");
  }

  private void send(String text) throws IOException {
    limit.run(() -> {
      out.write(text.getBytes(UTF_8));
      out.flush();
    });
  }

  @Override
  public void close() throws IOException {
    limit.run(out::close);
  }
}
