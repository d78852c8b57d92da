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
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The server as a process, of a run that was really trained. */
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
      new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
      assertThat(process.waitFor()).isEqualTo(130);
      assertThat(out.readLine()).isNull();
      assertThat(err.lines()).anyMatch(line -> line.contains("stopping"));
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
    ft("serve", "--run", run, "--port", 0, "--host", "no.such.host.invalid")
        .refused("--host", "'no.such.host.invalid' is not known");
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
