package org.freetransformer.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.freetransformer.model.ModelConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The endpoints that speak as OpenAI's do. */
class CompletionsEndpointTest {
  private static final String PATH = "/v1/completions";

  private static TestServer server;

  @BeforeAll
  static void start() throws Exception {
    server = TestServer.ofLetters(ModelConfig.Kind.FREE);
  }

  @AfterAll
  static void close() {
    server.close();
  }

  private static JsonNode complete(String more) throws Exception {
    return server
        .post(PATH, "{\"model\": \"%s\", \"prompt\": \"K>\"%s}".formatted(TestServer.NAME, more))
        .ok();
  }

  @Test
  void listsItsModel() throws Exception {
    JsonNode models = server.get("/v1/models").ok();
    assertThat(models.path("object").asText()).isEqualTo("list");
    assertThat(models.path("data")).hasSize(1);
    assertThat(models.at("/data/0/id").asText()).isEqualTo(TestServer.NAME);
    assertThat(models.at("/data/0/object").asText()).isEqualTo("model");
    assertThat(models.at("/data/0/max_model_len").asInt()).isEqualTo(66);
  }

  @Test
  void writesWhatTheOtherEndpointWrites() throws Exception {
    JsonNode answer = complete(", \"seed\": 5, \"n\": 2");
    assertThat(answer.path("object").asText()).isEqualTo("text_completion");
    assertThat(answer.path("id").asText()).startsWith("cmpl-");
    assertThat(answer.path("model").asText()).isEqualTo(TestServer.NAME);
    assertThat(answer.path("created").asLong()).isPositive();
    assertThat(answer.path("usage").toString())
        .isEqualTo("{\"prompt_tokens\":2,\"completion_tokens\":32,\"total_tokens\":34}");
    JsonNode other =
        server
            .post(
                "/api/generate", "{\"prompt\": \"K>\", \"seed\": 5, \"n\": 2, \"max_tokens\": 16}")
            .ok();
    for (int i = 0; i < 2; i++) {
      JsonNode choice = answer.at("/choices/" + i);
      assertThat(choice.path("index").asInt()).isEqualTo(i);
      assertThat(choice.path("text")).isEqualTo(other.at("/samples/%d/text".formatted(i)));
      assertThat(choice.path("finish_reason").asText()).isEqualTo("length");
      assertThat(choice.path("logprobs").isNull()).isTrue();
    }
  }

  @Test
  void withoutASeedEveryTextIsAnother() throws Exception {
    assertThat(complete(", \"max_tokens\": 64").at("/choices/0/text"))
        .isNotEqualTo(complete(", \"max_tokens\": 64").at("/choices/0/text"));
  }

  @Test
  void takesSeveralPromptsAndEchoesThem() throws Exception {
    String body = "{\"prompt\": [\"K>\", \"AB>\"], \"n\": 2, \"seed\": 1, \"max_tokens\": 4";
    JsonNode plain = server.post(PATH, body + "}").ok();
    JsonNode echoing = server.post(PATH, body + ", \"echo\": true}").ok();
    assertThat(plain.path("choices")).hasSize(4);
    assertThat(plain.at("/usage/prompt_tokens").asInt()).isEqualTo(5);
    for (int i = 0; i < 4; i++) {
      assertThat(echoing.at("/choices/%d/text".formatted(i)).asText())
          .isEqualTo((i < 2 ? "K>" : "AB>") + plain.at("/choices/%d/text".formatted(i)).asText());
    }
  }

  @Test
  void aStreamIsTheSameInChunks() throws Exception {
    String body =
        "{\"prompt\": \"K>\", \"n\": 2, \"seed\": 1, \"echo\": true, \"max_tokens\": 30, \"stop\":"
            + " \"Q\"";
    JsonNode whole = server.post(PATH, body + "}").ok();
    List<TestServer.Event> events =
        server.events(
            PATH, body + ", \"stream\": true, \"stream_options\": {\"include_usage\": true}}");
    assertThat(events.getLast().data()).isEqualTo("[DONE]");
    JsonNode usage = events.get(events.size() - 2).json();
    assertThat(usage.path("usage")).isEqualTo(whole.path("usage"));
    assertThat(usage.path("choices")).isEmpty();
    StringBuilder[] texts = {new StringBuilder(), new StringBuilder()};
    String[] reasons = {"", ""};
    for (TestServer.Event event : events.subList(0, events.size() - 2)) {
      assertThat(event.name()).isEmpty();
      assertThat(event.json().path("object").asText()).isEqualTo("text_completion");
      assertThat(event.json().path("choices")).hasSize(1);
      JsonNode choice = event.json().at("/choices/0");
      int index = choice.path("index").asInt();
      assertThat(reasons[index]).isEmpty();
      texts[index].append(choice.path("text").asText());
      reasons[index] = choice.path("finish_reason").asText("");
    }
    for (int i = 0; i < 2; i++) {
      JsonNode choice = whole.at("/choices/" + i);
      assertThat(texts[i].toString()).isEqualTo(choice.path("text").asText());
      assertThat(reasons[i]).isEqualTo(choice.path("finish_reason").asText());
    }
    assertThat(server.events(PATH, body + ", \"stream\": true}")).hasSize(events.size() - 1);
  }

  @Test
  void plansAreTakenHereToo() throws Exception {
    String replay = ", \"seed\": 5, \"plan\": {\"replay\": [1, 2, 3, 4, 5, 6, 7, 8]}";
    JsonNode other =
        server.post("/api/generate", "{\"prompt\": \"K>\", \"max_tokens\": 6" + replay + "}").ok();
    assertThat(complete(", \"max_tokens\": 6" + replay).at("/choices/0/text"))
        .isEqualTo(other.at("/samples/0/text"));
  }

  @Test
  void plansAreToldIfThatIsAskedFor() throws Exception {
    String body = "{\"prompt\": [\"K>\", \"AB>\"], \"seed\": 5, \"max_tokens\": 3, \"plans\": %b}";
    JsonNode told = server.post(PATH, body.formatted(true)).ok();
    assertThat(told.at("/choices/0/plan")).hasSize(2 + 3);
    assertThat(told.at("/choices/1/plan")).hasSize(3 + 3);
    String other = "{\"prompt\": \"K>\", \"seed\": 5, \"max_tokens\": 3}";
    assertThat(told.at("/choices/0/plan"))
        .isEqualTo(server.post("/api/generate", other).ok().at("/samples/0/plan"));
    assertThat(server.post(PATH, body.formatted(false)).ok().at("/choices/0").has("plan"))
        .isFalse();
    refused("\"plans\": true, \"stream\": true", "plans", "/api/generate");
    try (TestServer baseline = TestServer.ofLetters(ModelConfig.Kind.BASELINE)) {
      TestServer.Answer answer = baseline.post(PATH, body.formatted(true));
      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.json().at("/error/message").asText()).contains("a baseline");
      assertThat(baseline.post(PATH, body.formatted(false)).status()).isEqualTo(200);
    }
  }

  private static void refused(String more, String param, String... parts) throws Exception {
    TestServer.Answer answer = server.post(PATH, "{\"prompt\": \"K>\", " + more + "}");
    assertThat(answer.status()).as(more).isEqualTo(400);
    JsonNode error = answer.json().path("error");
    assertThat(error.path("message").asText()).contains(parts);
    assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error.path("param").asText()).isEqualTo(param);
    assertThat(error.has("code")).isTrue();
  }

  @Test
  void whatIsNotOfferedIsRefusedUnlessItChangesNothing() throws Exception {
    complete(
        ", \"seed\": 1, \"best_of\": 1, \"logprobs\": null, \"suffix\": \"\", \"logit_bias\": {},"
            + " \"presence_penalty\": 0, \"frequency_penalty\": 0.0, \"user\": \"me\"");
    refused("\"best_of\": 2", "best_of", "leave it out");
    refused("\"logprobs\": 1", "logprobs", "leave it out");
    refused("\"suffix\": \"K\"", "suffix", "leave it out");
    refused("\"logit_bias\": {\"3\": 1}", "logit_bias", "leave it out");
    refused("\"presence_penalty\": 1", "presence_penalty", "repetition_penalty");
    refused("\"frequency_penalty\": -1", "frequency_penalty", "repetition_penalty");
    refused("\"max_token\": 1", "max_token", "did you mean max_tokens?");
    refused("\"stream_options\": {\"usage\": true}", "stream_options.usage", "include_usage");
  }

  @Test
  void badRequestsAreRefused() throws Exception {
    refused("\"temperature\": -1", "temperature", "out of range");
    assertThat(server.post(PATH, "{}").json().at("/error/param").asText()).isEqualTo("prompt");
    assertThat(server.post(PATH, "{\"prompt\": [1, 2]}").json().at("/error/message").asText())
        .contains("a text or a list of texts");
    String many = "{\"prompt\": [%s\"K\"], \"n\": 13}".formatted("\"K\",".repeat(4));
    assertThat(server.post(PATH, many).json().at("/error/message").asText())
        .contains("5 prompts with n = 13 are 65 samples; allowed are 64");
    TestServer.Answer other = server.post(PATH, "{\"model\": \"gpt-4\", \"prompt\": \"K\"}");
    assertThat(other.status()).isEqualTo(404);
    assertThat(other.json().at("/error/message").asText()).contains("gpt-4", TestServer.NAME);
    assertThat(server.get(PATH).json().at("/error/type").asText())
        .isEqualTo("invalid_request_error");
    assertThat(server.failures()).isEmpty();
  }
}
