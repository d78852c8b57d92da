package org.freetransformer.server;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.generate.TextGenerator;
import org.freetransformer.generate.TextGenerator.Piece;
import org.freetransformer.run.SampleJson;
import org.jspecify.annotations.Nullable;

/** {@code POST /api/generate}: writes text, with every token, piece and plan of it. */
final class GenerateEndpoint implements Endpoint {
  private static final int MAX_TOKENS = 64;
  private static final long SEED = 0;

  private final Served served;
  private final TextWork work;

  GenerateEndpoint(Served served, TextWork work) {
    this.served = served;
    this.work = work;
  }

  /** The value of every key that is absent. */
  static Map<String, @Nullable Object> defaults(boolean hasPlan) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("prompt", "");
    map.putAll(GenerationFields.defaults(MAX_TOKENS, SEED, hasPlan));
    map.put("stream", false);
    return map;
  }

  @Override
  public void answer(Call call) throws IOException {
    ConfigSection body = call.body();
    String text = body.text("prompt", "");
    GenerationFields fields = GenerationFields.read(body, served, MAX_TOKENS, SEED);
    boolean streams = body.flag("stream", false);
    int[] prompt = body.build(() -> served.tokens("prompt", text));
    TextGenerator.Request request = body.build(() -> fields.request(List.of(prompt)));
    if (!streams) {
      call.json(200, answer(prompt, work.write(request, call::keepWaiting)));
      return;
    }
    try (TextWork.Stream stream = work.stream(request);
        EventStream events = call.events()) {
      stream(prompt, stream, events, call);
    }
  }

  private void stream(int[] prompt, TextWork.Stream stream, EventStream events, Call call)
      throws IOException {
    try {
      events.event("prompt", TokenizeEndpoint.describe(served, prompt));
      List<TextGenerator.Sample> samples =
          stream.passOn(
              new TextWork.PieceSink() {
                @Override
                public void piece(Piece piece) throws IOException {
                  events.event("token", token(piece));
                }

                @Override
                public void idle() throws IOException {
                  events.keepAlive();
                }
              });
      events.event("done", answer(prompt, samples));
    } catch (RuntimeException failure) {
      events.event("error", call.errorOf(failure).json());
    }
  }

  private Map<String, Object> answer(int[] prompt, List<TextGenerator.Sample> samples) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("prompt", TokenizeEndpoint.describe(served, prompt));
    map.put("samples", samples.stream().map(GenerateEndpoint::describe).toList());
    return map;
  }

  private static Map<String, Object> describe(TextGenerator.Sample sample) {
    Map<String, Object> map =
        SampleJson.of(sample.text(), sample.tokens(), sample.plans(), sample.finishReason());
    map.put("pieces", sample.pieces());
    return map;
  }

  private Map<String, Object> token(Piece piece) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("sample", piece.sample());
    map.put("token", piece.token());
    map.put("piece", piece.text());
    if (served.hasPlan()) {
      map.put("plan", piece.plan());
    }
    return map;
  }
}
