package org.freetransformer.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.freetransformer.run.OwnJvm;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The server as a process, of a run that was really trained. */
@Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ServeCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private static Path folder;
  private static Path run;

  @BeforeAll
  static void train() throws IOException {
    run = TinyRun.trained(folder);
  }

  private static JsonNode ask(HttpRequest.Builder request) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return JSON.readTree(client.send(request.build(), BodyHandlers.ofString()).body());
    }
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "signals are sent with kill")
  void writesWhatTheCommandWritesUntilItIsInterrupted() throws Exception {
    ProcessBuilder builder = new ProcessBuilder(CommandLineTester.ownProcess());
    builder.command().addAll(List.of("serve", "--run", run.toString(), "--port", "0", "--json"));
    builder.command().addAll(List.of("--weights", "bf16"));
    Process process = builder.start();
    try (BufferedReader out = process.inputReader(UTF_8);
        BufferedReader err = process.errorReader(UTF_8)) {
      JsonNode where = JSON.readTree(out.readLine());
      URI url = URI.create(where.path("url").asText());
      assertThat(url.getPort()).isEqualTo(where.path("port").asInt()).isPositive();
      JsonNode model = ask(HttpRequest.newBuilder(url.resolve("/api/model")));
      assertThat(model.path("name").asText()).isEqualTo(run.toString());
      assertThat(model.path("step").asInt()).isEqualTo(4);
      assertThat(model.path("tokenizer").asText()).isEqualTo("letters");
      assertThat(model.path("weights").asText()).isEqualTo("bf16");
      JsonNode served =
          ask(
              HttpRequest.newBuilder(url.resolve("/api/generate"))
                  .header("Content-Type", "application/json")
                  .POST(BodyPublishers.ofString("{\"prompt\": \"K>\", \"n\": 2, \"seed\": 5}")));
      JsonNode written =
          ft(
                  "generate",
                  "--run",
                  run,
                  "--prompt",
                  "K>",
                  "--n",
                  2,
                  "--seed",
                  5,
                  "--weights",
                  "bf16",
                  "--json")
              .json();
      for (int i = 0; i < 2; i++) {
        for (String key : List.of("text", "tokens", "plan", "finish_reason")) {
          String path = "/samples/%d/%s".formatted(i, key);
          assertThat(served.at(path)).as(path).isEqualTo(written.at(path));
        }
      }
      OwnJvm.interrupt(process);
      assertThat(process.waitFor()).isEqualTo(130);
      assertThat(out.readLine()).isNull();
      assertThat(err.lines()).anyMatch(line -> line.contains("stopping"));
    } finally {
      process.destroyForcibly();
    }
  }

  private static Process serve(Path model, Object... more) throws IOException {
    Object[] words = {"serve", "--checkpoint", model, "--port", 0, "--json"};
    List<String> all = CommandLineTester.ownProcess();
    for (Object word : CommandLineTester.joined(words, more)) {
      all.add(word.toString());
    }
    return new ProcessBuilder(all).start();
  }

  private static HttpRequest writing(URI url, String more) {
    return HttpRequest.newBuilder(url.resolve("/api/generate"))
        .header("Content-Type", "application/json")
        .POST(BodyPublishers.ofString("{\"prompt\": \"K>\"" + more + "}"))
        .build();
  }

  /** Of many requests at once no more than one is written to, and one is in the moment of it. */
  @Test
  void aQueueThatTakesNoneTellsTheOthersToComeAgain() throws Exception {
    Process process = serve(run, "--queue", 0);
    try (BufferedReader out = process.inputReader(UTF_8);
        HttpClient client = HttpClient.newHttpClient()) {
      URI url = URI.create(JSON.readTree(out.readLine()).path("url").asText());
      List<Integer> codes =
          Stream.generate(() -> writing(url, ", \"n\": 32"))
              .limit(8)
              .map(request -> client.sendAsync(request, BodyHandlers.discarding()))
              .toList()
              .stream()
              .map(answer -> answer.join().statusCode())
              .toList();
      assertThat(codes).contains(200, 503).containsOnly(200, 503);
    } finally {
      process.destroyForcibly();
    }
  }

  /** What went wrong is the owner's business alone. */
  @Test
  void aFailureIsToldToTheOwner() throws Exception {
    byte[] file = Files.readAllBytes(run.resolve("checkpoints/step-4/model.safetensors"));
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putFloat(file.length - 4, Float.NaN);
    Path damaged = Files.write(folder.resolve("damaged.safetensors"), file);
    Process process = serve(damaged, "--quiet");
    try (BufferedReader out = process.inputReader(UTF_8);
        BufferedReader err = process.errorReader(UTF_8);
        HttpClient client = HttpClient.newHttpClient()) {
      URI url = URI.create(JSON.readTree(out.readLine()).path("url").asText());
      HttpResponse<String> answer = client.send(writing(url, ""), BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(500);
      assertThat(JSON.readTree(answer.body()).at("/error/message").asText())
          .isEqualTo("the server failed; its standard error says more");
      process.toHandle().destroy(); // Its own method would close what is still to be read.
      assertThat(err.lines().filter(line -> !line.startsWith("WARNING: ")))
          .first()
          .asString()
          .startsWith("ft serve: POST /api/generate failed: ")
          .contains("NaN");
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void aPortThatCannotBeHadIsRefusedInOneLine() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      ft("serve", "--run", run, "--port", taken.getLocalPort())
          .refused("--port", "address already in use", "--port 0 takes a free one");
    }
    ft("serve", "--run", run, "--port", 65_536).refused("--port", "nearest is 65535");
    ft("serve", "--run", run, "--queue", -1).refused("--queue", "nearest is 0");
    ft("serve", "--run", run, "--port", 0, "--host", "192.0.2.1") // Kept for documentation.
        .refused("--host", "is no address of this machine");
  }

  @Test
  void aModelThatCannotBeServedIsRefusedInOneLine() {
    ft("serve", "--port", 0, "--run", folder.resolve("ru")).refused("nearest is", "run");
    ft("serve", "--port", 0).refused("--run", "--checkpoint");
    ft("serve", "--port", 0, "--run", run, "--weights", "int4").refused("--weights", "int4");
  }
}
