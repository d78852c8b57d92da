package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.Origin;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.run.PromptFile;
import org.freetransformer.run.PromptFile.Prompt;
import org.freetransformer.run.PromptTokens;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What texts go on from. */
final class PromptOptions {
  /** Most of them, from the command line and the file together. */
  static final int MOST = 10_000;

  private static final String STANDARD_INPUT = "-";

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "What to go on from. May be repeated: --n samples of each are written.")
  private List<String> texts = new ArrayList<>();

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description =
          "Prompts as well: each line of the file, in a .jsonl file the text under \"prompt\" of"
              + " each line's object; - reads lines from standard input.")
  private @Nullable String file;

  /**
   * All of them in order, those of the file last; standard input is used up then.
   *
   * @throws ConfigException if there is none, or the file cannot be used
   */
  List<Prompt> read() throws IOException {
    List<Prompt> prompts = new ArrayList<>();
    for (String text : texts) {
      String number = texts.size() == 1 ? "" : " " + (prompts.size() + 1);
      prompts.add(new Prompt(Origin.of("--prompt" + number), text));
    }
    if (STANDARD_INPUT.equals(file)) {
      prompts.addAll(PromptFile.readLines(System.in, "standard input", MOST));
    } else if (file != null) {
      prompts.addAll(PromptFile.read(Path.of(file), MOST));
    }
    if (prompts.isEmpty()) {
      throw new ConfigException(
          "--prompt", "is missing; --prompt TEXT or --prompts FILE says what to go on from");
    }
    return prompts;
  }

  /**
   * A prompt's tokens.
   *
   * @throws ConfigException if it holds what is no token of the model, is empty, or is too long
   */
  static int[] tokens(Prompt prompt, Tokenizer tokenizer, ModelConfig model) {
    try {
      return PromptTokens.of("", prompt.text(), tokenizer, model);
    } catch (ConfigException wrong) {
      throw wrong.at(prompt.origin(), "");
    }
  }
}
