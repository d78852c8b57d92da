package org.freetransformer.server;

import java.io.IOException;
import java.util.BitSet;
import java.util.List;
import org.freetransformer.generate.TextGenerator.Piece;
import org.freetransformer.generate.TextGenerator.Sample;

/** {@code POST /v1/completions}: writes text, in the words of OpenAI's API. */
final class CompletionsEndpoint implements Endpoint {
  private static final String END = "[DONE]";

  private final Served served;
  private final TextWork work;

  CompletionsEndpoint(Served served, TextWork work) {
    this.served = served;
    this.work = work;
  }

  @Override
  public void answer(Call call) throws IOException {
    CompletionsRequest request = CompletionsRequest.read(call.body(), served);
    Completions completions = new Completions(request, served.name());
    if (!request.streams()) {
      call.json(200, completions.whole(work.write(request.text(), call::keepWaiting)));
      return;
    }
    try (TextWork.Stream stream = work.stream(request.text());
        EventStream events = call.events()) {
      try {
        List<Sample> samples = stream.passOn(new Chunks(completions, events));
        if (request.tellsUsage()) {
          events.data(completions.lastChunk(samples));
        }
        events.line(END);
      } catch (RuntimeException failure) {
        events.data(call.errorOf(failure).openAiJson());
      }
    }
  }

  /** Sends pieces as chunks. */
  private static final class Chunks implements TextWork.PieceSink {
    private final Completions completions;
    private final EventStream events;
    private final BitSet begun = new BitSet();

    Chunks(Completions completions, EventStream events) {
      this.completions = completions;
      this.events = events;
    }

    @Override
    public void piece(Piece piece) throws IOException {
      events.data(completions.chunk(piece, !begun.get(piece.sample())));
      begun.set(piece.sample());
    }

    @Override
    public void idle() throws IOException {
      events.keepAlive();
    }
  }
}
