package org.freetransformer.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.Locale;
import org.freetransformer.config.ConfigException;
import org.freetransformer.data.ByteTokenizer;
import org.freetransformer.data.LetterAlphabet;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.model.ModelConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every request has in common, and the endpoints that write no text. */
class ModelServerTest {
  private static TestServer server;

  @BeforeAll
  static void start() throws Exception {
    server = TestServer.ofLetters(ModelConfig.Kind.FREE);
  }

  @AfterAll
  static void close() throws Exception {
    server.close();
  }

  @Test
  void isWell() throws Exception {
    assertThat(server.get("/health").ok().path("status").asText()).isEqualTo("ok");
    assertThat(server.get("/health?asked=often").status()).isEqualTo(200);
  }

  @Test
  void describesItsModelAndTheDefaultsOfARequest() throws Exception {
    JsonNode model = server.get("/api/model").ok();
    assertThat(model.path("name").asText()).isEqualTo(TestServer.NAME);
    assertThat(model.path("kind").asText()).isEqualTo("free-transformer");
    assertThat(model.path("step").asInt()).isEqualTo(12);
    assertThat(model.path("plan_bits").asInt()).isEqualTo(4);
    assertThat(model.path("vocab_size").asInt()).isEqualTo(29);
    assertThat(model.path("max_seq_len").asInt()).isEqualTo(66);
    assertThat(model.path("parameters").asInt()).isPositive();
    // The defaults are a request that means the same as an empty one.
    String all = model.path("defaults").toString().replace("\"prompt\":\"\"", "\"prompt\":\"K>\"");
    assertThat(server.post("/api/generate", all).ok())
        .isEqualTo(server.post("/api/generate", "{\"prompt\": \"K>\"}").ok());
  }

  @Test
  void aHeadIsAnAnswerWithoutItsBody() throws Exception {
    String head = server.raw("HEAD /api/model HTTP/1.1\nHost: localhost\nConnection: close\n\n");
    String get = server.raw("GET /api/model HTTP/1.1\nHost: localhost\nConnection: close\n\n");
    int end = get.indexOf("\r\n\r\n") + 4;
    assertThat(head).startsWith("HTTP/1.1 200").endsWith("\r\n\r\n");
    assertThat(head.toLowerCase(Locale.ROOT))
        .contains("content-length: " + (get.length() - end) + "\r\n");
  }

  @Test
  void otherMethodsAndPathsAreRefused() throws Exception {
    TestServer.Answer got = server.get("/api/generate");
    got.refused(405, "", "GET /api/generate", "POST");
    assertThat(got.header("Allow")).isEqualTo("POST");
    TestServer.Answer posted = server.post("/api/model", "{}");
    posted.refused(405, "", "POST /api/model");
    assertThat(posted.header("Allow")).isEqualTo("GET, HEAD");
    server.get("/api/modle").refused(404, "", "there is no /api/modle", "nearest is /api/model");
    server.get("/api/model/").refused(404, "", "there is no /api/model/");
    assertThat(server.get("/api/mode%6c").status()).isEqualTo(200);
    TestServer.Answer options =
        server.send(
            server.request("/api/generate").method("OPTIONS", BodyPublishers.noBody()).build());
    options.refused(405, "", "OPTIONS");
    assertThat(options.header("Access-Control-Allow-Origin")).isEmpty();
  }

  @Test
  void thePagesFilesComeFromItsFolderAlone() throws Exception {
    TestServer.Answer style = server.get("/assets/only-for-tests.css");
    assertThat(style.status()).isEqualTo(200);
    assertThat(style.response().body()).startsWith("body {");
    assertThat(style.header("Content-Type")).isEqualTo("text/css; charset=utf-8");
    assertThat(style.header("Content-Security-Policy")).startsWith("default-src 'self';");
    assertThat(style.header("Cache-Control")).isEqualTo("no-cache");
    assertThat(style.header("X-Content-Type-Options")).isEqualTo("nosniff");
    assertThat(server.get("/assets/only-for-tests%2ecss").status()).isEqualTo(200);
    for (String name :
        new String[] {
          "",
          "none.css",
          "../ModelServer.class",
          "..%2fModelServer.class",
          "%2e%2e/ModelServer.class",
          "..",
          ".",
          "page/only-for-tests.css",
          "a%00.css",
          "index.html",
          "..%5cModelServer.class",
          "only-for-tests.css/",
          "/only-for-tests.css"
        }) {
      String answer =
          server.raw(
              "GET /assets/%s HTTP/1.1\nHost: localhost\nConnection: close\n\n".formatted(name));
      assertThat(answer).as(name).startsWith("HTTP/1.1 404");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "localhost:80", "127.0.0.1", "LocalHost:8080", "[::1]:1"})
  void answersByItsOwnNames(String host) throws Exception {
    assertThat(server.raw("GET /health HTTP/1.1\nHost: %s\nConnection: close\n\n".formatted(host)))
        .startsWith("HTTP/1.1 200");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Host: evil.example", "Host: evil.example:80", "Host: localhost.evil.example",
        "Host: 127.0.0.1.evil.example", "Host: ", "Other: localhost",
        "Host: localhost\nHost: evil.example"
      })
  void answersByNoOtherName(String header) throws Exception {
    assertThat(server.raw("GET /health HTTP/1.1\n%s\nConnection: close\n\n".formatted(header)))
        .startsWith("HTTP/1.1 403")
        .contains("allowed are localhost, 127.0.0.1, [::1]");
  }

  @Test
  void anyNameReachesAServerThatAllOfTheNetworkMayUse() throws Exception {
    new HostCheck("0.0.0.0", InetAddress.getByName("0.0.0.0")).require("any.example:80");
  }

  @Test
  void bodiesAreJsonInUtf8OfAtMostAMebibyte() throws Exception {
    server
        .send(
            server
                .request("/api/tokenize")
                .POST(BodyPublishers.ofString("{\"text\": \"K\"}"))
                .build())
        .refused(415, "", "application/json");
    server
        .send(
            server
                .request("/api/tokenize")
                .header("Content-Type", "application/json; charset=latin1")
                .POST(BodyPublishers.ofString("{}"))
                .build())
        .refused(415, "", "latin1");
    TestServer.Answer utf8 =
        server.send(
            server
                .request("/api/tokenize")
                .header("Content-Type", "Application/JSON; charset=\"UTF-8\"")
                .POST(BodyPublishers.ofString("{\"text\": \"K\"}"))
                .build());
    assertThat(utf8.status()).isEqualTo(200);
    server
        .send(
            server
                .request("/api/tokenize")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofByteArray(new byte[] {'"', (byte) 0xff, '"'}))
                .build())
        .refused(400, "", "not UTF-8");
    String longest = "{\"text\": \"" + "K".repeat((1 << 20) - 12) + "\"}";
    assertThat(longest).hasSize(1 << 20);
    server.post("/api/tokenize", longest).refused(400, "text", "66 (max_seq_len)");
    server.post("/api/tokenize", longest + " ").refused(413, "", "1048576 bytes");
    server.post("/api/tokenize", "K".repeat(3 << 20)).refused(413, "", "1048576 bytes");
  }

  @Test
  void bodiesAreChecked() throws Exception {
    server.post("/api/tokenize", "").refused(400, "", "the body", "empty");
    server.post("/api/tokenize", "{\"text\": \"K\"").refused(400, "", "ends too early");
    server.post("/api/tokenize", "\n[1, 2]").refused(400, "", "the body:2", "a list of 2");
    server.post("/api/tokenize", "{} {}").refused(400, "", "more text");
    server.post("/api/tokenize", "[".repeat(1000)).refused(400, "", "nest");
    server.post("/api/tokenize", "{\"text\": \"K\", \"text\": \"L\"}").refused(400, "", "text");
    server.post("/api/tokenize", "{\"txet\": \"K\"}").refused(400, "txet", "did you mean text?");
    server.post("/api/tokenize", "{\"text\": 7}").refused(400, "text", "must be text, not 7");
    server.post("/api/tokenize", "{}").refused(400, "text", "0 tokens");
    server.post("/api/tokenize", "{\"text\": \"k\"}").refused(400, "text", "'k'", "nearest is K");
    server
        .post("/api/tokenize", "{\"text\": \"\\ud83d\"}")
        .refused(400, "text", "half of a surrogate pair");
  }

  @Test
  void tellsTokensAndWhatEachAdds() throws Exception {
    JsonNode letters = server.post("/api/tokenize", "{\"text\": \"K>\"}").ok();
    assertThat(letters.toString()).isEqualTo("{\"tokens\":[10,28],\"pieces\":[\"K\",\">\"]}");
    try (TestServer bytes = TestServer.of(ModelConfig.Kind.BASELINE, new ByteTokenizer(), 66, 1)) {
      JsonNode word = bytes.post("/api/tokenize", "{\"text\": \"aé😀\"}").ok();
      assertThat(word.path("tokens")).hasSize(7);
      assertThat(word.path("pieces").toString())
          .isEqualTo("[\"a\",\"\",\"é\",\"\",\"\",\"\",\"😀\"]");
    }
  }

  @Test
  void tellsWhatTheEncoderInfers() throws Exception {
    JsonNode encoded = server.post("/api/encode", "{\"text\": \"K>AB\", \"seed\": 5}").ok();
    assertThat(encoded.path("pieces")).hasSize(4);
    assertThat(encoded.path("bits")).hasSize(4);
    for (int t = 0; t < 4; t++) {
      int likeliest = 0;
      double kl = 0;
      assertThat(encoded.at("/bits/" + t)).hasSize(4);
      for (int bit = 0; bit < 4; bit++) {
        double p = encoded.at("/bits/%d/%d".formatted(t, bit)).asDouble();
        assertThat(p).isBetween(0.0, 1.0);
        likeliest |= (p > 0.5 ? 1 : 0) << bit;
        kl += Math.log(2) + p * Math.log(p) + (1 - p) * Math.log(1 - p);
      }
      assertThat(encoded.at("/plan/" + t).asInt()).isEqualTo(likeliest);
      assertThat(encoded.at("/kl/" + t).asDouble()).isCloseTo(kl, within(1e-9));
    }
    JsonNode written =
        server
            .post(
                "/api/generate",
                "{\"prompt\": \"K>AB\", \"max_tokens\": 1, \"plan\": {\"seed\": 5}}")
            .ok();
    for (int t = 0; t < 4; t++) {
      assertThat(encoded.at("/drawn/" + t)).isEqualTo(written.at("/samples/0/plan/" + t));
    }
    assertThat(server.post("/api/encode", "{\"text\": \"K>AB\", \"seed\": 6}").ok().path("drawn"))
        .isNotEqualTo(encoded.path("drawn"));
  }

  @Test
  void aBaselineHasNoPlan() throws Exception {
    try (TestServer baseline = TestServer.ofLetters(ModelConfig.Kind.BASELINE)) {
      JsonNode model = baseline.get("/api/model").ok();
      assertThat(model.path("kind").asText()).isEqualTo("baseline");
      assertThat(model.path("plan_bits").asInt()).isZero();
      assertThat(model.path("defaults").has("plan")).isFalse();
      baseline.post("/api/encode", "{\"text\": \"K>\"}").refused(400, "", "a baseline");
      baseline
          .post("/api/generate", "{\"prompt\": \"K>\", \"plan\": {\"shared\": true}}")
          .refused(400, "plan", "a baseline", "leave out plan");
      JsonNode written = baseline.post("/api/generate", "{\"prompt\": \"K>\", \"plan\": {}}").ok();
      assertThat(written.at("/samples/0/plan")).isEmpty();
      assertThat(written.at("/samples/0/tokens")).hasSize(64);
      String streamed = "{\"prompt\": \"K>\", \"max_tokens\": 2, \"stream\": true}";
      assertThat(baseline.events("/api/generate", streamed).get(1).json().has("plan")).isFalse();
    }
  }

  /** No name server is asked. */
  @Test
  void aHostThatIsNotKnownIsRefused() {
    assertThatThrownBy(() -> ModelServer.listen(InetSocketAddress.createUnresolved("no.host", 80)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContainingAll("--host", "'no.host' is not known", "127.0.0.1");
  }

  /** A tokenizer with a token more than the model, which fails for one text. */
  private record OddTokenizer(Tokenizer letters) implements Tokenizer {
    @Override
    public int vocabSize() {
      return letters.vocabSize();
    }

    @Override
    public int[] encode(String text) {
      return switch (text) {
        case "<pad>" -> new int[] {vocabSize()};
        case "<fault>" -> throw new IllegalStateException("a fault of the tokenizer");
        default -> letters.encode(text);
      };
    }

    @Override
    public String decode(int... tokens) {
      return tokens.length == 1 && tokens[0] == vocabSize() ? "<pad>" : letters.decode(tokens);
    }

    @Override
    public int byteLength(int token) {
      return letters.byteLength(token);
    }
  }

  @Test
  void badInputIsTheClientsAndAFaultIsTheServers() throws Exception {
    Tokenizer odd = new OddTokenizer(new LetterAlphabet());
    try (TestServer own = TestServer.of(ModelConfig.Kind.FREE, odd, 66, 16)) {
      own.post("/api/generate", "{\"prompt\": \"<pad>\"}")
          .refused(400, "prompt", "'<pad>' is token 29", "0 to 28 (vocab_size)");
      own.post("/api/encode", "{\"text\": \"<pad>\"}").refused(400, "text", "is token 29");
      String completion = "{\"model\": \"%s\", \"prompt\": \"%s\"}";
      TestServer.Answer refused =
          own.post("/v1/completions", completion.formatted(TestServer.NAME, "<pad>"));
      assertThat(refused.status()).isEqualTo(400);
      assertThat(refused.json().at("/error/param").asText()).isEqualTo("prompt");
      assertThat(own.failures()).isEmpty();

      own.post("/api/generate", "{\"prompt\": \"<fault>\"}")
          .refused(500, "", "the server failed; its standard error says more");
      TestServer.Answer failed =
          own.post("/v1/completions", completion.formatted(TestServer.NAME, "<fault>"));
      assertThat(failed.status()).isEqualTo(500);
      assertThat(failed.json().at("/error/type").asText()).isEqualTo("server_error");
      assertThat(failed.response().body()).doesNotContain("tokenizer");
      assertThat(own.failures())
          .hasSize(2)
          .first()
          .asString()
          .startsWith("POST /api/generate: ")
          .contains("a fault of the tokenizer");
    }
  }
}
