package org.freetransformer.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.CompletableFuture;
import org.freetransformer.server.TestServer.Answer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers that are not events and take long: no request may wait beside the one that runs. */
@Timeout(120) // A test that waits in vain shall fail.
class LateAnswersTest {
  private static final String PATH = "/api/generate";
  private static final int PLENTY = 1_000_000;
  private static final int LONGEST = 3000;

  private final GatedTokenizer tokenizer = new GatedTokenizer();
  private final GatedDevice device = new GatedDevice();
  private TestServer server;

  @BeforeEach
  void start() throws Exception {
    server = TestServer.of(device.device(), tokenizer, LONGEST);
  }

  @AfterEach
  void close() {
    device.openGate();
    tokenizer.letThrough(PLENTY);
    server.close();
    assertThat(server.failures()).isEmpty();
  }

  private static String body(int tokens) {
    return "{\"prompt\": \"K>\", \"max_tokens\": %d}".formatted(tokens);
  }

  /** Returns with the first blank. */
  private HttpResponse<InputStream> late(String body) throws Exception {
    return server.client().send(server.posting(PATH, body), BodyHandlers.ofInputStream());
  }

  /** The first request that finds a place, once whoever had it has given it up. */
  private CompletableFuture<Answer> nextInPlace() throws InterruptedException {
    while (true) {
      CompletableFuture<Answer> asked = server.postLater(PATH, body(1));
      while (!asked.isDone() && server.waiting() == 0) {
        Thread.sleep(1);
      }
      if (server.waiting() == 1) {
        return asked;
      }
    }
  }

  @Test
  void whatIsLateComesAfterBlanks() throws Exception {
    HttpResponse<InputStream> response = late(body(3));
    tokenizer.letThrough(PLENTY);
    try (InputStream in = response.body()) {
      String text = new String(in.readAllBytes(), UTF_8);
      assertThat(text).startsWith(" ");
      assertThat(response.headers().firstValue("Content-Type")).hasValue("application/json");
      assertThat(new ObjectMapper().readTree(text)).isEqualTo(server.post(PATH, body(3)).ok());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {PATH, "/v1/completions"})
  void whoGoesAwayFreesTheModel(String path) throws Exception {
    try (Socket _ = server.sent(path, body(LONGEST))) {
      tokenizer.awaitDecoded(0);
    }
    CompletableFuture<Answer> next = nextInPlace();
    tokenizer.letThrough(PLENTY);
    assertThat(next.get().ok().at("/samples/0/tokens")).hasSize(1);
    // One letter of the first text, which is decoded twice, and the second's last one: three times.
    assertThat(tokenizer.decoded()).isEqualTo(2 + 3);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aPromptNeedNotBeReadToItsEnd(boolean streams) throws Exception {
    tokenizer.letThrough(PLENTY);
    device.closeGate();
    String body = "{\"prompt\": \"%s\", \"stream\": %b}".formatted("K".repeat(9), streams);
    try (Socket _ = server.sent(PATH, body)) {
      device.awaitHeld();
    }
    CompletableFuture<Answer> next = nextInPlace();
    device.openGate();
    next.get().ok();
    assertThat(tokenizer.decoded()).isEqualTo(3); // The letter of the second text alone.
  }

  @Test
  void aTextNeedNotBeEncodedToItsEnd() throws Exception {
    tokenizer.letThrough(PLENTY);
    long before = server.liveBytes();
    device.closeGate();
    try (Socket _ = server.sent("/api/encode", "{\"text\": \"K>\"}")) {
      device.awaitHeld();
    }
    int prepared = device.prepared();
    server.stop();
    device.openGate();
    server.awaitStopped();
    assertThat(device.prepared()).isEqualTo(prepared + 1);
    assertThat(server.liveBytes()).isEqualTo(before);
  }

  /** A status that says all is well was sent already. */
  @Test
  void whatFailsLateIsBrokenOff() throws Exception {
    HttpResponse<InputStream> response = late(body(LONGEST));
    assertThat(response.statusCode()).isEqualTo(200);
    server.stop();
    tokenizer.letThrough(PLENTY);
    try (InputStream in = response.body()) {
      assertThatThrownBy(in::readAllBytes).isInstanceOf(IOException.class);
    }
  }
}
