package org.freetransformer.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URLEncoder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.freetransformer.data.ByteTokenizer;
import org.freetransformer.model.ModelConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The plan explorer in a real browser, with a real server and a tiny model of random weights. */
final class PageTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Markup, which must not be taken for such, blanks, and a letter of two tokens. */
  private static final String PROMPT = "<b>\n é";

  private static final int PROMPT_LENGTH = PROMPT.getBytes(UTF_8).length;
  private static final int LONGEST = 40;

  /** JavaScript: the texts of all samples, those before a change left out. */
  private static final String TEXTS =
      "[...document.querySelectorAll('.sample')].map(s => [...s.querySelectorAll('.text')].at(-1))";

  private static Browser browser;
  private static TestServer server;

  @BeforeAll
  static void startBoth(@TempDir Path folder) throws Exception {
    Optional<Path> program = Browser.program();
    assumeTrue(program.isPresent(), "the page is not tested: there is no chromium on the PATH");
    browser = Browser.start(program.orElseThrow(), folder);
    server = serve(ModelConfig.Kind.FREE, LONGEST);
  }

  @AfterAll
  static void stopBoth() throws Exception {
    if (browser != null) {
      browser.close();
    }
    if (server != null) {
      server.close();
    }
  }

  @Test
  void saysWhatTheModelIsAndComplainsOfNothing() throws Exception {
    open(server, "");
    assertThat(browser.text("#model")).startsWith(TestServer.NAME).contains("4 plan bits");
    assertThat(count("#bits button")).isEqualTo(4);
    assertThat(count(".no-plan:not([hidden])")).isZero();
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void writesWhatTheApiAnswers() throws Exception {
    JsonNode samples = written(Map.of("source", "prior", "seed", 5));
    openAndWrite(server, link() + "&plan.source=prior&plan.seed=5");
    List<String> texts = new ArrayList<>();
    samples.forEach(sample -> texts.add(textOf(sample)));
    assertThat(strings(browser.evaluate(TEXTS + ".map(t => t.textContent)"))).isEqualTo(texts);
    assertThat(count("b")).isZero();
    for (int s = 0; s < samples.size(); s++) {
      // A text of so many tokens ends with one more than the model has read, and its plan.
      assertThat(grounds(s)).isEqualTo(samples.path(s).path("plan"));
    }
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void writesAgainToAFlippedBitBesideTheOldText() throws Exception {
    JsonNode before = written(Map.of("source", "prior")).path(1);
    List<Integer> plans = new ArrayList<>();
    before.path("plan").forEach(plan -> plans.add(plan.asInt()));
    plans.set(PROMPT_LENGTH, plans.get(PROMPT_LENGTH) ^ 1 << 2);
    JsonNode now = written(Map.of("source", "prior", "replay", plans)).path(1);
    List<Integer> changed =
        IntStream.range(0, now.path("tokens").size())
            .filter(t -> !now.path("tokens").path(t).equals(before.path("tokens").path(t)))
            .map(t -> PROMPT_LENGTH + t)
            .boxed()
            .toList();
    assertThat(changed).isNotEmpty();

    openAndWrite(server, link() + "&plan.source=prior");
    browser.evaluate(TEXTS + "[1].children[%d].click()".formatted(PROMPT_LENGTH));
    browser.click("#bits button:nth-child(3)");
    browser.click("#write-again");
    browser.await("document.querySelector('.changed')");
    assertThat(browser.text(".before .text")).isEqualTo(textOf(before));
    assertThat(browser.text(".now .text")).isEqualTo(textOf(now));
    JsonNode marked =
        browser.evaluate(
            TEXTS
                + "[1].querySelectorAll('.changed').values()"
                + ".map(c => [...c.parentNode.children].indexOf(c)).toArray()");
    assertThat(marked).isEqualTo(JSON.valueToTree(changed));
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void keysWalkThroughATextAndOnToItsBits() throws Exception {
    openAndWrite(server, link());
    browser.evaluate(TEXTS + "[0].focus()");
    for (String key : List.of("End", "ArrowLeft", "Home", "ArrowRight", "ArrowRight")) {
      press(key);
    }
    assertThat(browser.text("#chosen")).contains("position 2 · token %d “>”".formatted((int) '>'));
    press("Enter");
    String focused = "document.activeElement.";
    assertThat(browser.evaluate(focused + "getAttribute('aria-label')").asText())
        .isEqualTo("Bit 0");
    press("Escape");
    assertThat(browser.evaluate(focused + "classList.contains('text')").asBoolean()).isTrue();
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void infersPlansAndWritesOnFromThem() throws Exception {
    JsonNode inferred =
        server.post("/api/encode", JSON.valueToTree(Map.of("text", PROMPT)).toString()).ok();
    open(server, "#view=infer&run&text=" + encoded(PROMPT));
    browser.await("document.querySelector('.column')");
    assertThat(browser.evaluate("[...document.querySelectorAll('.token')].map(t => t.textContent)"))
        .isEqualTo(inferred.path("pieces"));
    browser.click(".column");
    double share = inferred.path("bits").path(0).path(0).asDouble();
    assertThat(browser.text("#inferred-chosen")).contains("P(bit = 1): 0: %.2f".formatted(share));

    browser.click("#write-on");
    awaitWritten();
    for (int t = 0; t < PROMPT_LENGTH; t++) {
      assertThat(grounds(0).path(t)).isEqualTo(inferred.path("plan").path(t));
    }
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void showsWhatTheServerRefusesBesideItsField() throws Exception {
    TestServer.Answer answer =
        server.post("/api/generate", "{\"prompt\": \"K\", \"temperature\": -1}");
    answer.refused(400, "temperature", "-1");
    open(server, "#prompt=K&temperature=-1&run");
    browser.await("document.querySelector('#writing .field .error')");
    assertThat(browser.text("#problem-temperature"))
        .isEqualTo(answer.json().at("/error/message").asText());
    assertThat(count("#temperature[aria-invalid=true][aria-describedby=problem-temperature]"))
        .isOne();
  }

  @Test
  void stopsWhereItIs() throws Exception {
    try (TestServer long_ = serve(ModelConfig.Kind.FREE, 4000)) {
      open(long_, "#prompt=K&n=16&max_tokens=3000&run");
      browser.await(TEXTS + "[0]?.children.length > 3");
      browser.click("#stop-writing");
      browser.await("document.querySelector('#status').textContent.startsWith('Stopped after ')");
      assertThat(browser.evaluate(TEXTS + "[0].children.length").asInt()).isLessThan(3000);
      assertThat(browser.text(".sample .state")).endsWith("stopped");
      assertThat(count("#generate:enabled")).isOne();
    }
  }

  @Test
  void aBaselineHasASentenceInsteadOfPlans() throws Exception {
    try (TestServer baseline = serve(ModelConfig.Kind.BASELINE, LONGEST)) {
      openAndWrite(baseline, link());
      assertThat(browser.text("#write .no-plan")).startsWith("This model is a baseline");
      assertThat(browser.text("#infer .no-plan")).startsWith("This model is a baseline");
      assertThat(count("[data-plans]:not([hidden])")).isZero();
      assertThat(browser.text(".sample .text")).startsWith(PROMPT);
      assertThat(browser.complaints()).isEmpty();
    }
  }

  @Test
  void saysThatTheServerIsGone() throws Exception {
    try (TestServer gone = serve(ModelConfig.Kind.FREE, LONGEST)) {
      open(gone, "");
    }
    browser.click("#generate");
    browser.await("!document.querySelector('#gone').hidden");
    assertThat(browser.text("#gone")).startsWith("The server does not answer.");
  }

  private static TestServer serve(ModelConfig.Kind kind, int longest) throws Exception {
    return TestServer.of(kind, new ByteTokenizer(), longest, 4);
  }

  /** The samples that the API writes to some plans, the rest as in {@link #link}. */
  private static JsonNode written(Map<String, Object> plan) throws Exception {
    Map<String, Object> request =
        Map.of("prompt", PROMPT, "n", 3, "max_tokens", 20, "seed", 9, "plan", plan);
    return server.post("/api/generate", JSON.valueToTree(request).toString()).ok().path("samples");
  }

  private static String link() {
    return "#prompt=%s&n=3&max_tokens=20&seed=9".formatted(encoded(PROMPT));
  }

  private static void open(TestServer served, String hash) throws Exception {
    browser.open("http://127.0.0.1:%d/%s".formatted(served.port(), hash));
    browser.await("document.querySelector('#model')?.textContent.length > 1");
  }

  private static void openAndWrite(TestServer served, String hash) throws Exception {
    open(served, hash + "&run");
    awaitWritten();
  }

  private static void awaitWritten() throws Exception {
    browser.await("document.querySelector('#status').textContent.includes(' written')");
  }

  private static void press(String key) {
    browser.evaluate(
        "void document.activeElement.dispatchEvent("
            + "new KeyboardEvent('keydown', {key: '%s', bubbles: true}))".formatted(key));
  }

  private static int count(String selector) {
    return browser
        .evaluate("document.querySelectorAll(%s).length".formatted(Browser.quoted(selector)))
        .asInt();
  }

  /** The numbers of a sample's colours: with plans of at most 4 bits, the plans themselves. */
  private static JsonNode grounds(int sample) {
    return browser.evaluate(
        TEXTS
            + "[%d].innerHTML.match(/ground-\\d+/g).map(c => Number(c.slice(7)))"
                .formatted(sample));
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, UTF_8);
  }

  private static String textOf(JsonNode sample) {
    return PROMPT + sample.path("text").asText();
  }

  private static List<String> strings(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(element -> texts.add(element.asText()));
    return texts;
  }
}
