package org.freetransformer.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Headless Chromium with one page, driven by its DevTools protocol; for one thread. Messages end
 * with a zero byte, and go through the pipes that are the program's input and output elsewhere.
 */
final class Browser implements AutoCloseable {
  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome");

  /** Far more than anything takes, so that a test that hangs ends. */
  private static final int MOST_SECONDS = 60;

  private static final ObjectMapper JSON = new ObjectMapper();

  /** The protocol is spoken on the file descriptors 3 and 4. */
  private static final String ON_PIPES = "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null";

  private final Process process;
  private final Path folder;
  private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  private final List<String> complaints = new ArrayList<>();
  private String session = "";
  private String origin = "";
  private int last;

  private Browser(Process process, Path folder) {
    this.process = process;
    this.folder = folder;
    Thread.ofVirtual().start(this::receive);
    String page =
        send("Target.createTarget", Map.of("url", "about:blank")).get("targetId").asText();
    session =
        send("Target.attachToTarget", Map.of("targetId", page, "flatten", true))
            .get("sessionId")
            .asText();
    send("Page.enable", Map.of());
    send("Runtime.enable", Map.of());
    send("Log.enable", Map.of());
  }

  /** The program, if it is on the PATH. */
  static Optional<Path> program() {
    List<String> folders = List.of(System.getenv("PATH").split(File.pathSeparator));
    return NAMES.stream()
        .flatMap(name -> folders.stream().map(folder -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Starts one that keeps its files in a folder. */
  static Browser start(Path program, Path folder) throws IOException {
    Process process =
        new ProcessBuilder(
                "sh",
                "-c",
                ON_PIPES,
                "sh",
                program.toString(),
                "--headless",
                "--no-sandbox", // Root has none, and every page is ours.
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--remote-debugging-pipe",
                "--user-data-dir=" + folder)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      return new Browser(process, folder);
    } catch (RuntimeException | Error failure) {
      destroy(process);
      throw failure;
    }
  }

  /** Opens an address in a new document, even if only its fragment is new. */
  void open(String url) {
    complaints.clear();
    origin = URI.create(url).resolve("/").toString();
    send("Page.navigate", Map.of("url", "about:blank"));
    send("Page.navigate", Map.of("url", url));
  }

  /** The value of a JavaScript expression. */
  JsonNode evaluate(String expression) {
    JsonNode answer =
        send("Runtime.evaluate", Map.of("expression", expression, "returnByValue", true));
    assertThat(answer.path("exceptionDetails").toString()).as(expression).isEmpty();
    return answer.path("result").path("value");
  }

  /** The text of the first element that a CSS selector finds. */
  String text(String selector) {
    return evaluate("document.querySelector(%s).textContent".formatted(quoted(selector))).asText();
  }

  /** Clicks on the first element that a CSS selector finds. */
  void click(String selector) {
    evaluate("document.querySelector(%s).click()".formatted(quoted(selector)));
  }

  /** Waits until a JavaScript expression is true. */
  void await(String expression) throws InterruptedException {
    long start = System.nanoTime();
    while (!evaluate("Boolean(%s)".formatted(expression)).asBoolean()) {
      assertThat(System.nanoTime() - start)
          .as("waiting for %s; the page complained of %s", expression, complaints)
          .isLessThan(TimeUnit.SECONDS.toNanos(MOST_SECONDS));
      Thread.sleep(20);
    }
  }

  /** What the page logged, and its errors that nothing caught, since it was opened. */
  List<String> complaints() {
    evaluate("0"); // What was said before is read before the answer.
    return List.copyOf(complaints);
  }

  static String quoted(String text) {
    return JSON.valueToTree(text).toString();
  }

  /** Calls a method of the protocol; events that come before its answer are looked at. */
  private JsonNode send(String method, Map<String, ?> parameters) {
    int id = ++last;
    Map<String, Object> call = new LinkedHashMap<>();
    call.put("id", id);
    call.put("method", method);
    call.put("params", parameters);
    if (!session.isEmpty()) {
      call.put("sessionId", session);
    }
    try {
      OutputStream out = process.getOutputStream();
      out.write((JSON.valueToTree(call) + "\0").getBytes(UTF_8));
      out.flush();
      while (true) {
        JsonNode message = next(method);
        if (message.path("id").asInt() == id) {
          assertThat(message.path("error").toString()).as(method).isEmpty();
          return message.path("result");
        }
        note(message);
      }
    } catch (IOException failure) {
      throw new UncheckedIOException("the browser ended at " + method, failure);
    }
  }

  private JsonNode next(String method) throws IOException {
    try {
      String message = messages.poll(MOST_SECONDS, TimeUnit.SECONDS);
      assertThat(message).as("the browser's answer to %s", method).isNotNull();
      return JSON.readTree(message);
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }

  private void note(JsonNode event) {
    JsonNode parameters = event.path("params");
    switch (event.path("method").asText()) {
      case "Runtime.exceptionThrown" ->
          complaints.add(parameters.get("exceptionDetails").toString());
      case "Runtime.consoleAPICalled" -> complaints.add(parameters.get("args").toString());
      case "Log.entryAdded" -> addUnlessOfAnotherPage(parameters.get("entry"));
      default -> {}
    }
  }

  /** The page before may still ask for its icon after its server has closed. */
  private void addUnlessOfAnotherPage(JsonNode entry) {
    String url = entry.path("url").asText();
    if (url.isEmpty() || url.startsWith(origin)) {
      complaints.add(entry.toString());
    }
  }

  private void receive() {
    ByteArrayOutputStream message = new ByteArrayOutputStream();
    try (InputStream in = new BufferedInputStream(process.getInputStream())) {
      for (int next = in.read(); next >= 0; next = in.read()) {
        if (next == 0) {
          messages.add(message.toString(UTF_8));
          message.reset();
        } else {
          message.write(next);
        }
      }
    } catch (IOException ended) {
      // Whoever waits for an answer is told that there is none.
    }
  }

  @Override
  public void close() throws IOException {
    destroy(process);
    // Links to nowhere, over which whoever deletes the folder would stumble.
    for (String name : List.of("SingletonLock", "SingletonCookie", "SingletonSocket")) {
      Files.deleteIfExists(folder.resolve(name));
    }
  }

  private static void destroy(Process process) {
    Stream.concat(process.descendants(), Stream.of(process.toHandle()))
        .forEach(ProcessHandle::destroyForcibly);
    process.onExit().join();
  }
}
