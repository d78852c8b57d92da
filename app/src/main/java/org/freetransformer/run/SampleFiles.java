package org.freetransformer.run;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.generate.TextGenerator;
import org.freetransformer.train.SampleWriter;

/**
 * What a run's model wrote at a step: {@code step-N.txt} to read, {@code step-N.json} with each
 * position's plan. A step that is done again replaces its files with the same.
 */
final class SampleFiles implements AutoCloseable {
  private static final String BETWEEN = "\n---------------\n";

  private final SampleWriter writer;
  private final Tokenizer tokenizer;
  private final String prompt;

  /**
   * The files of a writer, which is closed with this.
   *
   * @param tokenizer of the model's tokens
   */
  SampleFiles(SampleWriter writer, Tokenizer tokenizer) {
    this.writer = writer;
    this.tokenizer = tokenizer;
    this.prompt = text(writer.prompt());
  }

  /**
   * Has the model write, and keeps it.
   *
   * @throws IOException if a file cannot be written; it is then as it was
   */
  void write(Path folder, long step) throws IOException {
    StringBuilder read = new StringBuilder();
    List<Map<String, Object>> samples =
        writer.write().stream()
            .map(sample -> {
              List<Integer> all =
                  Stream.concat(writer.prompt().stream(), sample.tokens().stream()).toList();
              read.append(text(all)).append(BETWEEN);
              return SampleJson.of(
                  text(sample.tokens()), sample.tokens(), sample.plans(), sample.finishReason());
            })
            .toList();
    Map<String, Object> whole = new LinkedHashMap<>();
    whole.put("step", step);
    whole.put("prompt", prompt);
    whole.put("prompt_tokens", writer.prompt());
    whole.put("samples", samples);
    OutputFiles.write(folder.resolve("step-%d.json".formatted(step)), Json.write(whole) + "\n");
    OutputFiles.write(folder.resolve("step-%d.txt".formatted(step)), read.toString());
  }

  private String text(List<Integer> tokens) {
    return TextGenerator.text(tokenizer, tokens);
  }

  @Override
  public void close() {
    writer.close();
  }
}
