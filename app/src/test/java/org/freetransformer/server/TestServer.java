package org.freetransformer.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.freetransformer.data.LetterAlphabet;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.SmallModels;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Device;
import org.freetransformer.tensor.device.Devices;

/** A server of a small model with random weights, in this process, and a client for it. */
final class TestServer implements AutoCloseable {
  static final String NAME = "runs/small";

  /** The thread that uses the model. */
  static final String MODEL_THREAD = "model of the test";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Engine engine;
  private final LanguageModel model;
  private final ModelServer server;
  private final Thread modelThread;
  private final Queue<String> failures = new ConcurrentLinkedQueue<>();
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private TestServer(
      Device device, ModelConfig config, Tokenizer tokenizer, int waiting, long patience)
      throws IOException {
    engine = Engine.on(device);
    model = SmallModels.scrambled(engine, config);
    server =
        ModelServer.bind(
            "127.0.0.1",
            0,
            waiting,
            patience,
            (request, cause) -> failures.add(request + ": " + cause));
    Served served = new Served(NAME, 12L, model, tokenizer, "own", "f32");
    modelThread = Thread.ofPlatform().name(MODEL_THREAD).start(() -> server.run(served));
  }

  /** One of letters, whose texts have at most 66 of them, and 4 bits of plan. */
  static TestServer ofLetters(ModelConfig.Kind kind) throws IOException {
    return of(kind, new LetterAlphabet(), 66, 16);
  }

  /** One with another tokenizer, of short or long texts. */
  static TestServer of(ModelConfig.Kind kind, Tokenizer tokenizer, int longest, int waiting)
      throws IOException {
    return new TestServer(
        Devices.scalar(), config(kind, tokenizer, longest), tokenizer, waiting, 5000);
  }

  /** One on a device that may be held up, where no one may wait; it soon sends signs of life. */
  static TestServer of(Device device, Tokenizer tokenizer, int longest) throws IOException {
    ModelConfig config = config(ModelConfig.Kind.FREE, tokenizer, longest);
    return new TestServer(device, config, tokenizer, 0, 20);
  }

  private static ModelConfig config(ModelConfig.Kind kind, Tokenizer tokenizer, int longest) {
    return ModelConfig.builder()
        .kind(kind)
        .vocabSize(tokenizer.vocabSize())
        .hiddenDim(16)
        .numLayers(2)
        .numHeads(2)
        .ffnHiddenDim(32)
        .maxSeqLen(longest)
        .latentDim(4)
        .build();
  }

  /** An answer's status, headers and text. */
  record Answer(int status, HttpResponse<String> response) {
    JsonNode json() {
      return read(response.body());
    }

    /** The object, of an answer without error. */
    JsonNode ok() {
      assertThat(status).as(response.body()).isEqualTo(200);
      return json();
    }

    /** Checks that it is an error of a status, about a field, that says all of this. */
    void refused(int wanted, String field, String... parts) {
      assertThat(status).as(response.body()).isEqualTo(wanted);
      assertThat(json().at("/error/field").asText()).isEqualTo(field);
      assertThat(json().at("/error/message").asText()).contains(parts);
      assertThat(response.body()).hasLineCount(1);
    }

    String header(String name) {
      return response.headers().firstValue(name).orElse("");
    }
  }

  /** A server-sent event. */
  record Event(String name, String data) {
    JsonNode json() {
      return read(data);
    }
  }

  private static JsonNode read(String json) {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException malformed) {
      throw new AssertionError("no JSON: " + json, malformed);
    }
  }

  int port() {
    return server.port();
  }

  Answer get(String path) throws Exception {
    return send(request(path).GET().build());
  }

  Answer post(String path, String body) throws Exception {
    return send(posting(path, body));
  }

  Answer send(HttpRequest request) throws Exception {
    HttpResponse<String> response = client.send(request, BodyHandlers.ofString(UTF_8));
    return new Answer(response.statusCode(), response);
  }

  /** The answer of a request that is under way. */
  CompletableFuture<Answer> postLater(String path, String body) {
    return client
        .sendAsync(posting(path, body), BodyHandlers.ofString(UTF_8))
        .thenApply(response -> new Answer(response.statusCode(), response));
  }

  HttpRequest posting(String path, String body) {
    return request(path)
        .header("Content-Type", "application/json")
        .POST(BodyPublishers.ofString(body, UTF_8))
        .build();
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path));
  }

  HttpClient client() {
    return client;
  }

  /** The events of an answer that is a stream of them. */
  List<Event> events(String path, String body) throws Exception {
    Answer answer = post(path, body);
    assertThat(answer.status()).as(answer.response().body()).isEqualTo(200);
    assertThat(answer.header("Content-Type")).isEqualTo("text/event-stream");
    List<Event> events = new ArrayList<>();
    for (String block : answer.response().body().split("\n\n", -1)) {
      String name = "";
      for (String line : block.split("\n", -1)) {
        if (line.startsWith("event: ")) {
          name = line.substring("event: ".length());
        } else if (line.startsWith("data: ")) {
          events.add(new Event(name, line.substring("data: ".length())));
        }
      }
    }
    return events;
  }

  /** Sends a request as it stands, and reads all until the server closes the connection. */
  String raw(String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port())) {
      socket.getOutputStream().write(request.replace("\n", "\r\n").getBytes(UTF_8));
      return new String(socket.getInputStream().readAllBytes(), UTF_8);
    }
  }

  /** A connection on which a request was sent: to close it is to go away. */
  Socket sent(String path, String body) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port());
    String request =
        """
        POST %s HTTP/1.1
        Host: localhost
        Content-Type: application/json
        Content-Length: %d

        %s\
        """
            .formatted(path, body.length(), body);
    socket.getOutputStream().write(request.replace("\n", "\r\n").getBytes(UTF_8));
    return socket;
  }

  int waiting() {
    return server.waiting();
  }

  long liveBytes() {
    return engine.device().memory().liveBytes();
  }

  /** What the server's owner was told. */
  Queue<String> failures() {
    return failures;
  }

  void stop() {
    server.stop();
  }

  /** Waits until the model's thread is done with all. */
  void awaitStopped() throws InterruptedException {
    modelThread.join();
  }

  @Override
  public void close() {
    client.close();
    server.stop();
    try {
      modelThread.join();
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
    server.close();
    model.close();
    engine.close();
    assertThat(liveBytes()).isZero();
  }
}
