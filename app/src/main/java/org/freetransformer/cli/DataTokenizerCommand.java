package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.freetransformer.config.Limits;
import org.freetransformer.data.DataConfig;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.tokenizers.BytePairTrainer;
import org.freetransformer.tokenizers.TokenizerJson;
import org.freetransformer.tokenizers.WordCount;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code ft data tokenizer}: trains a byte-level byte-pair encoding. */
@Command(
    name = "tokenizer",
    mixinStandardHelpOptions = true,
    description = "Trains a byte-level BPE tokenizer, in the format of Hugging Face.")
final class DataTokenizerCommand implements Callable<Integer> {
  @ParentCommand private DataCommand data;
  @Mixin private Output output;
  @Mixin private DataOptions options;

  private static final int MOST_TOKENS = 1 << 20;

  @Option(
      names = "--vocab",
      paramLabel = "N",
      required = true,
      description = "Tokens to have, 257 (all bytes, and the end of text) to " + MOST_TOKENS + ".")
  private int vocab;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      required = true,
      description = "File to write, such as tokenizer.json.")
  private Path out;

  @Override
  public Integer call() throws IOException {
    Limits.between("--vocab", vocab, BytePairTrainer.BASE_TOKENS, MOST_TOKENS);
    DataConfig config = options.config(output, List.of());
    BooleanSupplier stop =
        data.main().interruption().listen(() -> output.note("ft data tokenizer: stopping"));
    WordCount words = new WordCount(options.documents(config).parts());
    OutputFiles.requireWritable(out);
    int threads = options.threads();
    try (Progress progress = output.progress("count", 0, words.bytes() >> 10, "KiB")) {
      words.run(
          threads,
          done -> {
            synchronized (progress) {
              progress.at(done >> 10, "%d threads".formatted(threads));
            }
          },
          stop);
    }
    Optional<BytePairTrainer.Vocabulary> learnt = learn(words, stop);
    if (learnt.isEmpty()) {
      output.result(Map.of("finished", false), "stopped; nothing is written");
      return 0;
    }
    OutputFiles.write(out, TokenizerJson.of(learnt.get()));
    report(learnt.get().tokens().size(), words);
    return 0;
  }

  /** What all the words teach; nothing if stopped, for then some may be missing. */
  private Optional<BytePairTrainer.Vocabulary> learn(WordCount words, BooleanSupplier stop) {
    return stop.getAsBoolean() ? Optional.empty() : words.trainer().train(vocab, stop);
  }

  private void report(int tokens, WordCount words) {
    if (tokens < vocab) {
      output.warn("the text has no more than %,d tokens to learn".formatted(tokens));
    }
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("finished", true);
    object.put("written", out.toString());
    object.put("tokens", tokens);
    object.put("documents", words.documents());
    object.put("words", words.trainer().distinctWords());
    object.put("skipped", words.skipped());
    output.result(
        object,
        "%,d tokens from %,d different words of %,d documents, %,d skipped%nwritten: %s"
            .formatted(
                tokens, words.trainer().distinctWords(), words.documents(), words.skipped(), out));
  }
}
