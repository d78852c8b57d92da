package org.freetransformer.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.server.TestServer.Answer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several requests at once, of a model that is held up; two may wait. */
@Timeout(120) // A test that waits in vain shall fail.
class ModelQueueTest {
  private static final String PATH = "/api/generate";
  private static final int PLENTY = 1_000_000;
  private static final int LONGEST = 3000;

  private final GatedTokenizer tokenizer = new GatedTokenizer();
  private TestServer server;

  @BeforeEach
  void start() throws Exception {
    server = TestServer.of(ModelConfig.Kind.FREE, tokenizer, LONGEST, 2);
  }

  @AfterEach
  void close() {
    tokenizer.letThrough(PLENTY);
    server.close();
    assertThat(server.failures()).isEmpty();
  }

  private HttpResponse<InputStream> streaming(int tokens) throws Exception {
    String body = "{\"prompt\": \"K>\", \"stream\": true, \"max_tokens\": %d}".formatted(tokens);
    return server.client().send(server.posting(PATH, body), BodyHandlers.ofInputStream());
  }

  private void awaitWaiting(int requests) throws InterruptedException {
    while (server.waiting() < requests) {
      Thread.sleep(1);
    }
  }

  @Test
  void whoDoesNotFitIsToldToTryAgain() throws Exception {
    List<CompletableFuture<Answer>> answers = new ArrayList<>();
    String body = "{\"prompt\": \"K>\", \"max_tokens\": 3, \"seed\": %d}";
    answers.add(server.postLater(PATH, body.formatted(0)));
    tokenizer.awaitDecoded(0);
    answers.add(server.postLater(PATH, body.formatted(1)));
    awaitWaiting(1);
    answers.add(server.postLater(PATH, body.formatted(2)));
    awaitWaiting(2);
    Answer refused = server.post(PATH, body.formatted(3));
    refused.refused(503, "", "2 requests wait already");
    assertThat(refused.header("Retry-After")).isEqualTo("1");
    Answer stream = server.post(PATH, "{\"prompt\": \"K>\", \"stream\": true}");
    stream.refused(503, "", "2 requests wait already");
    assertThat(server.post("/v1/completions", "{\"prompt\": \"K>\"}").status()).isEqualTo(503);
    assertThat(server.post("/api/encode", "{\"text\": \"K>\"}").status()).isEqualTo(503);
    // What needs no model is answered meanwhile.
    server.get("/health").ok();
    server.post("/api/tokenize", "{\"text\": \"K>\"}").ok();
    tokenizer.letThrough(PLENTY);
    for (int i = 0; i < answers.size(); i++) {
      assertThat(answers.get(i).get().ok()).isEqualTo(server.post(PATH, body.formatted(i)).ok());
    }
  }

  @Test
  void aTokenIsSentAsSoonAsItIsWritten() throws Exception {
    try (var lines = streaming(6).body()) {
      var reader = new BufferedReader(new InputStreamReader(lines, UTF_8));
      assertThat(reader.readLine()).isEqualTo("event: prompt");
      for (int t = 0; t < 5; t++) {
        tokenizer.letThrough(2);
        String line = reader.readLine();
        while (!line.equals("event: token")) {
          line = reader.readLine();
        }
        assertThat(reader.readLine()).startsWith("data: {\"sample\":0,");
      }
      tokenizer.letThrough(PLENTY);
      assertThat(reader.lines()).contains("event: done");
    }
  }

  /** Who has gone is noticed when something is written to it. */
  @Test
  void textThatNoOneWaitsForEnds() throws Exception {
    try (InputStream events = streaming(LONGEST).body()) {
      assertThat(events.read()).isPositive();
      tokenizer.awaitDecoded(0);
    }
    CompletableFuture<Answer> next =
        server.postLater(PATH, "{\"prompt\": \"K>\", \"max_tokens\": 1}");
    awaitWaiting(1);
    while (!next.isDone()) {
      tokenizer.letThrough(1);
      Thread.sleep(2);
    }
    assertThat(next.get().ok().at("/samples/0/tokens")).hasSize(1);
    assertThat(tokenizer.decoded()).isLessThan(LONGEST);
  }

  @Test
  void atTheEndWhatRunsAndWhatWaitsIsTold() throws Exception {
    HttpResponse<InputStream> stream = streaming(LONGEST);
    tokenizer.awaitDecoded(0);
    CompletableFuture<Answer> waiting = server.postLater(PATH, "{\"prompt\": \"K>\"}");
    awaitWaiting(1);
    server.stop();
    tokenizer.letThrough(PLENTY);
    waiting.get().refused(503, "", "the server is stopping");
    try (InputStream events = stream.body()) {
      assertThat(new String(events.readAllBytes(), UTF_8))
          .contains("event: error\ndata: {\"error\":{\"message\":\"the server is stopping\"}}\n\n")
          .doesNotContain("event: done");
    }
    assertThat(tokenizer.decoded()).isLessThan(LONGEST);
  }
}
