package org.freetransformer.server;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.generate.TextGenerator;

/** {@code POST /api/tokenize}: the tokens of a text that the model can read. */
final class TokenizeEndpoint implements Endpoint {
  private final Served served;

  TokenizeEndpoint(Served served) {
    this.served = served;
  }

  @Override
  public void answer(Call call) throws IOException {
    ConfigSection body = call.body();
    String text = body.text("text", "");
    call.json(200, describe(served, body.build(() -> served.tokens("text", text))));
  }

  /** Tokens, and what each adds to their text. */
  static Map<String, Object> describe(Served served, int[] tokens) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("tokens", Arrays.stream(tokens).boxed().toList());
    map.put("pieces", TextGenerator.pieces(served.tokenizer(), tokens));
    return map;
  }
}
