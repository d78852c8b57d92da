package org.freetransformer.server;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.generate.Generator;
import org.freetransformer.model.PlanPosterior;

/** {@code POST /api/encode}: what the encoder infers about the plan of a text. */
final class EncodeEndpoint implements Endpoint {
  private final Served served;
  private final TextWork work;

  EncodeEndpoint(Served served, TextWork work) {
    this.served = served;
    this.work = work;
  }

  @Override
  public void answer(Call call) throws IOException {
    ConfigSection body = call.body();
    String text = body.text("text", "");
    long seed = body.longInteger("seed", 0);
    int[] tokens = body.build(() -> served.tokens("text", text));
    if (!served.hasPlan()) {
      throw new ConfigException("", "this model is a baseline, which has no plan to infer");
    }
    Generator generator = new Generator(served.model());
    PlanPosterior posterior = work.await(() -> generator.infer(tokens), call::keepWaiting);
    Map<String, Object> answer = TokenizeEndpoint.describe(served, tokens);
    answer.put(
        "bits", IntStream.range(0, tokens.length).mapToObj(t -> bits(posterior, t)).toList());
    answer.put("plan", Arrays.stream(posterior.likeliest()).boxed().toList());
    int[] drawn = posterior.draw(Generator.inferredPlans(seed), 0);
    answer.put("drawn", Arrays.stream(drawn).boxed().toList());
    answer.put("kl", IntStream.range(0, tokens.length).mapToObj(posterior::kl).toList());
    call.json(200, answer);
  }

  private List<Double> bits(PlanPosterior posterior, int position) {
    return IntStream.range(0, served.planBits())
        .mapToObj(bit -> posterior.probability(position, bit))
        .toList();
  }
}
