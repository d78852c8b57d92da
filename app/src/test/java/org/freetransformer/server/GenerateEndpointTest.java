package org.freetransformer.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.freetransformer.data.ByteTokenizer;
import org.freetransformer.model.ModelConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code /api/generate} with a model of letters, and one whose tokens are bytes. */
class GenerateEndpointTest {
  private static final String PATH = "/api/generate";

  private static TestServer server;
  private static TestServer bytes;

  @BeforeAll
  static void start() throws Exception {
    server = TestServer.ofLetters(ModelConfig.Kind.FREE);
    bytes = TestServer.of(ModelConfig.Kind.FREE, new ByteTokenizer(), 200, 16);
  }

  @AfterAll
  static void close() {
    server.close();
    bytes.close();
  }

  private static JsonNode write(String more) throws Exception {
    return server.post(PATH, "{\"prompt\": \"K>\"" + more + "}").ok();
  }

  private static JsonNode sample(String more) throws Exception {
    return write(more).at("/samples/0");
  }

  @Test
  void tellsTokensPiecesAndPlans() throws Exception {
    JsonNode answer = write(", \"n\": 2, \"max_tokens\": 5");
    assertThat(answer.path("prompt").toString())
        .isEqualTo("{\"tokens\":[10,28],\"pieces\":[\"K\",\">\"]}");
    assertThat(answer.path("samples")).hasSize(2);
    for (JsonNode sample : answer.path("samples")) {
      assertThat(sample.path("tokens")).hasSize(5);
      assertThat(sample.path("pieces")).hasSize(5);
      assertThat(sample.path("plan")).hasSize(7);
      assertThat(sample.path("finish_reason").asText()).isEqualTo("length");
      assertThat(sample.path("text").asText()).isEqualTo(joined(sample.path("pieces")));
    }
    assertThat(answer.at("/samples/0")).isNotEqualTo(answer.at("/samples/1"));
    assertThat(sample("").path("tokens")).hasSize(64);
    // Only so many fit: the last token is not read.
    assertThat(sample(", \"max_tokens\": 1000000").path("tokens")).hasSize(65);
  }

  private static String joined(JsonNode pieces) {
    StringBuilder text = new StringBuilder();
    pieces.forEach(piece -> text.append(piece.asText()));
    return text.toString();
  }

  /** Bytes of a random model are seldom UTF-8: characters begin and do not end. */
  @Test
  void aStreamIsTheAnswerPieceByPiece() throws Exception {
    for (int seed = 0; seed < 10; seed++) {
      String body =
          "{\"prompt\": \"né\", \"n\": 3, \"max_tokens\": 60, \"seed\": %d, \"stop\": [\"a\", \"%s\"]"
              .formatted(seed, "\uFFFD\uFFFDb");
      JsonNode whole = bytes.post(PATH, body + "}").ok();
      List<TestServer.Event> events = bytes.events(PATH, body + ", \"stream\": true}");
      assertThat(events.getFirst().name()).isEqualTo("prompt");
      assertThat(events.getFirst().json()).isEqualTo(whole.path("prompt"));
      assertThat(events.getLast().name()).isEqualTo("done");
      assertThat(events.getLast().json()).isEqualTo(whole);
      List<TestServer.Event> tokens = events.subList(1, events.size() - 1);
      assertThat(tokens).allMatch(event -> event.name().equals("token"));
      for (int i = 0; i < 3; i++) {
        JsonNode sample = whole.at("/samples/" + i);
        List<JsonNode> own = new ArrayList<>();
        for (TestServer.Event event : tokens) {
          if (event.json().path("sample").asInt() == i) {
            own.add(event.json());
          }
        }
        int promptLength = whole.at("/prompt/tokens").size();
        assertThat(own).hasSameSizeAs(sample.path("tokens"));
        StringBuilder text = new StringBuilder();
        for (int t = 0; t < own.size(); t++) {
          text.append(own.get(t).path("piece").asText());
          assertThat(own.get(t).path("piece")).isEqualTo(sample.path("pieces").get(t));
          assertThat(own.get(t).path("token")).isEqualTo(sample.path("tokens").get(t));
          assertThat(own.get(t).path("plan")).isEqualTo(sample.path("plan").get(promptLength + t));
        }
        assertThat(text.toString()).isEqualTo(sample.path("text").asText());
        assertThat(new ByteTokenizer().decode(ints(sample.path("tokens"))))
            .startsWith(text.toString());
      }
    }
  }

  private static int[] ints(JsonNode numbers) {
    return IntStream.range(0, numbers.size()).map(i -> numbers.get(i).asInt()).toArray();
  }

  @Test
  void seedsOfTokensAndOfPlansAreApart() throws Exception {
    JsonNode first = sample(", \"seed\": 5");
    assertThat(sample(", \"seed\": 5")).isEqualTo(first);
    JsonNode otherTokens = sample(", \"seed\": 6, \"plan\": {\"seed\": 5}");
    assertThat(otherTokens.path("plan")).isEqualTo(first.path("plan"));
    assertThat(otherTokens.path("tokens")).isNotEqualTo(first.path("tokens"));
    JsonNode otherPlan = sample(", \"seed\": 5, \"plan\": {\"seed\": 6}");
    assertThat(otherPlan.path("plan")).isNotEqualTo(first.path("plan"));
  }

  @Test
  void plansAreReplayedPinnedAndShared() throws Exception {
    JsonNode first = sample(", \"seed\": 5, \"plan\": {\"source\": \"prior\"}");
    String replay = ", \"seed\": 5, \"plan\": {\"seed\": 9, \"replay\": %s}";
    assertThat(sample(replay.formatted(first.path("plan")))).isEqualTo(first);
    JsonNode begun = sample(replay.formatted("[1, 2, 3]"));
    assertThat(ints(begun.path("plan"))).startsWith(1, 2, 3).hasSize(66);
    JsonNode pinned =
        sample(", \"plan\": {\"source\": \"prior\", \"pinned\": {\"3\": 1, \"0\": 0}}");
    assertThat(IntStream.of(ints(pinned.path("plan")))).allMatch(plan -> (plan & 0b1001) == 0b1000);
    JsonNode shared =
        write(", \"n\": 2, \"plan\": {\"source\": \"prior\", \"shared\": true}").path("samples");
    assertThat(shared.at("/0/plan")).isEqualTo(shared.at("/1/plan"));
    // Inferred for the prompt, replayed after it.
    JsonNode both = sample(", \"plan\": {\"source\": \"encode\", \"replay\": [1, 2, 3, 4, 5]}");
    JsonNode inferred = sample("");
    assertThat(both.at("/plan/0")).isEqualTo(inferred.at("/plan/0"));
    assertThat(both.at("/plan/1")).isEqualTo(inferred.at("/plan/1"));
    assertThat(ints(both.path("plan")))
        .startsWith(both.at("/plan/0").asInt(), both.at("/plan/1").asInt(), 3, 4, 5);
  }

  @Test
  void aTextEndsBeforeAStopString() throws Exception {
    String text = sample("").path("text").asText();
    String stop = text.substring(10, 13);
    JsonNode stopped = sample(", \"stop\": \"" + stop + "\"");
    assertThat(stopped.path("text").asText()).isEqualTo(text.substring(0, text.indexOf(stop)));
    assertThat(stopped.path("finish_reason").asText()).isEqualTo("stop_string");
    assertThat(joined(stopped.path("pieces"))).isEqualTo(stopped.path("text").asText());
  }

  private static void refused(String body, String field, String... parts) throws Exception {
    server.post(PATH, body).refused(400, field, parts);
  }

  private static void refusedWith(String more, String field, String... parts) throws Exception {
    refused("{\"prompt\": \"K>\", " + more + "}", field, parts);
  }

  @Test
  void badRequestsAreRefusedByTheirField() throws Exception {
    refused("{}", "prompt", "0 tokens", "66 (max_seq_len)");
    refused("{\"prompt\": \"k\"}", "prompt", "'k'", "nearest is K");
    refused("{\"prompt\": \"%s\"}".formatted("K".repeat(67)), "prompt", "67 tokens");
    refused("{\"prompt\": [\"K\"]}", "prompt", "must be text");
    refusedWith("\"n\": 0", "n", "nearest is 1");
    refusedWith("\"n\": 65", "n", "nearest is 64");
    refusedWith("\"n\": 1.5", "n", "1.5 is not a whole number");
    refusedWith("\"n\": 99999999999", "n", "not a whole number from");
    refusedWith("\"max_tokens\": 0", "max_tokens", "nearest is 1");
    refusedWith("\"temperature\": -1", "temperature", "-1.0 is out of range");
    refusedWith("\"temperature\": 1e400", "temperature", "finite");
    refusedWith("\"temperature\": NaN", "", "JSON");
    refusedWith("\"temperature\": \"hot\"", "temperature", "must be a number");
    refusedWith("\"top_k\": -1", "top_k", "nearest is 0");
    refusedWith("\"top_p\": 0", "top_p", "above 0");
    refusedWith("\"min_p\": 1", "min_p", "less than 1");
    refusedWith("\"repetition_penalty\": 0", "repetition_penalty", "above 0");
    refusedWith("\"stop\": \"\"", "stop", "an empty stop string");
    refusedWith("\"stop\": [1]", "stop", "a text or a list of texts");
    refusedWith("\"stop\": \"\\udc00\"", "stop", "surrogate");
    refusedWith("\"stop\": \"%s\"".formatted("K".repeat(257)), "stop", "257", "256");
    refusedWith("\"stop\": [%s\"K\"]".formatted("\"K\",".repeat(16)), "stop", "17", "16");
    refusedWith("\"seed\": \"x\"", "seed", "whole number");
    refusedWith("\"stream\": 1", "stream", "true or false");
    refusedWith("\"temprature\": 1", "temprature", "did you mean temperature?");
    refusedWith("\"plan\": {\"source\": \"prio\"}", "plan.source", "nearest is prior");
    refusedWith("\"plan\": {\"replay\": [1, 16]}", "plan.replay", "16 at position 1", "0 to 15");
    refusedWith("\"plan\": {\"replay\": [-1]}", "plan.replay", "-1 at position 0");
    refusedWith("\"plan\": {\"replay\": [0.5]}", "plan.replay", "0.5 is not a whole number");
    refusedWith("\"plan\": {\"replay\": 3}", "plan.replay", "a list of whole numbers");
    refusedWith("\"plan\": {\"pinned\": {\"4\": 1}}", "plan.pinned.4", "0, 1, 2, 3");
    refusedWith("\"plan\": {\"pinned\": {\"1\": 2}}", "plan.pinned.1", "nearest is 1");
    refusedWith("\"plan\": {\"pinned\": [1]}", "plan.pinned", "a mapping");
    refusedWith("\"plan\": {\"sede\": 1}", "plan.sede", "did you mean plan.seed?");
    assertThat(server.failures()).isEmpty();
  }

  /** A stream's errors that are known before it begins are answers like any other. */
  @Test
  void aBadRequestForAStreamIsRefusedToo() throws Exception {
    refusedWith("\"stream\": true, \"n\": 0", "n", "nearest is 1");
  }

  @Test
  void keepsNoMemoryOfTwoHundredRequests() throws Exception {
    write("");
    long before = server.liveBytes();
    assertThat(before).isPositive();
    for (int i = 0; i < 200; i++) {
      String body =
          "{\"prompt\": \"%s\", \"n\": %d, \"max_tokens\": %d, \"stream\": %b}"
              .formatted("K".repeat(1 + i % 40), 1 + i % 5, 1 + i % 7, i % 2 == 0);
      assertThat(server.post(PATH, body).status()).isEqualTo(200);
      if (i % 10 == 0) {
        server.post("/api/encode", "{\"text\": \"%s\"}".formatted("K".repeat(1 + i % 40))).ok();
      }
    }
    assertThat(server.liveBytes()).isEqualTo(before);
  }
}
