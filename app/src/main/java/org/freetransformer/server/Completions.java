package org.freetransformer.server;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.freetransformer.generate.TextGenerator.FinishReason;
import org.freetransformer.generate.TextGenerator.Piece;
import org.freetransformer.generate.TextGenerator.Sample;
import org.jspecify.annotations.Nullable;

/** What a request for completions is answered, whole or in chunks. */
final class Completions {
  private final CompletionsRequest request;
  private final Map<String, @Nullable Object> head = new LinkedHashMap<>();

  Completions(CompletionsRequest request, String model) {
    this.request = request;
    head.put("id", "cmpl-" + UUID.randomUUID());
    head.put("object", "text_completion");
    head.put("created", Instant.now().getEpochSecond());
    head.put("model", model);
  }

  /** All samples at once. */
  Map<String, @Nullable Object> whole(List<Sample> samples) {
    List<Map<String, @Nullable Object>> choices = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      var choice = choice(i, request.begin(i) + sample.text(), sample.finishReason());
      if (request.tellsPlans()) {
        choice.put("plan", sample.plans());
      }
      choices.add(choice);
    }
    Map<String, @Nullable Object> map = new LinkedHashMap<>(head);
    map.put("choices", choices);
    map.put("usage", usage(samples));
    return map;
  }

  /**
   * One piece.
   *
   * @param first whether its sample has none before it
   */
  Map<String, @Nullable Object> chunk(Piece piece, boolean first) {
    String text = (first ? request.begin(piece.sample()) : "") + piece.text();
    Map<String, @Nullable Object> map = new LinkedHashMap<>(head);
    map.put("choices", List.of(choice(piece.sample(), text, piece.ends())));
    if (request.tellsUsage()) {
      map.put("usage", null);
    }
    return map;
  }

  /** What comes after the last piece, if that is wanted. */
  Map<String, @Nullable Object> lastChunk(List<Sample> samples) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>(head);
    map.put("choices", List.of());
    map.put("usage", usage(samples));
    return map;
  }

  private static Map<String, @Nullable Object> choice(
      int index, String text, @Nullable FinishReason reason) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("index", index);
    map.put("text", text);
    map.put("logprobs", null);
    map.put("finish_reason", reason(reason));
    return map;
  }

  private static @Nullable String reason(@Nullable FinishReason reason) {
    return switch (reason) {
      case null -> null;
      case LENGTH -> "length";
      case STOP, STOP_STRING -> "stop";
    };
  }

  /** A prompt counts once, however many samples it has. */
  private Map<String, Object> usage(List<Sample> samples) {
    int written = samples.stream().mapToInt(sample -> sample.tokens().size()).sum();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("prompt_tokens", request.promptTokens());
    map.put("completion_tokens", written);
    map.put("total_tokens", request.promptTokens() + written);
    return map;
  }
}
