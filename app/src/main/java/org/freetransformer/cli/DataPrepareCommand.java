package org.freetransformer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Preparation;
import org.freetransformer.data.Skips;
import org.freetransformer.data.Split;
import org.freetransformer.data.TokenManifest;
import org.freetransformer.run.OutputFiles;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code ft data prepare}: makes a folder of tokens out of text. */
@Command(
    name = "prepare",
    mixinStandardHelpOptions = true,
    description = {
      "Makes a folder of tokens out of text, for data.dataset_name: tokens.",
      "What was stopped or killed goes on with the same command."
    })
final class DataPrepareCommand implements Callable<Integer> {
  private static final int PLACES_SHOWN = 10;

  @ParentCommand private DataCommand data;
  @Mixin private Output output;
  @Mixin private DataOptions options;

  @Option(names = "--out", paramLabel = "DIR", required = true, description = "Folder to make.")
  private Path out;

  @Option(
      names = "--tokenizer",
      paramLabel = "NAME",
      description = "byte, gpt2, or the path of a tokenizer.json (default: data.tokenizer).")
  private @Nullable String tokenizer;

  @Option(
      names = "--split",
      paramLabel = "RULE",
      description = "What is held out: documents or tails (default: data.split).")
  private @Nullable String split;

  @Option(
      names = "--validation-fraction",
      paramLabel = "X",
      description = "Share that is held out, 0 to 0.5 (default: data.validation_fraction, 0.1).")
  private @Nullable Double fraction;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the choice of what is held out (default: data.seed).")
  private @Nullable Long seed;

  @Override
  public Integer call() throws IOException {
    DataConfig config = options.config(output, given());
    Preparation preparation = Preparation.of(config, options.documents(config));
    OutputFiles.requireWritableFolder(out);
    BooleanSupplier stop =
        data.main()
            .interruption()
            .listen(() -> output.note("ft data prepare: stopping; what is finished is kept"));
    long total = Math.max(1, preparation.bytes());
    Optional<TokenManifest> made;
    int threads = options.threads();
    try (Progress progress = output.progress("prepare", 0, total >> 10, "KiB")) {
      made =
          preparation.run(
              out,
              threads,
              done -> {
                synchronized (progress) {
                  progress.at(done >> 10, "%d threads".formatted(threads));
                }
              },
              stop);
    }
    if (made.isEmpty()) {
      output.result(Map.of("finished", false, "out", out.toString()), "stopped; not finished yet");
      return 0;
    }
    report(made.get());
    return 0;
  }

  private List<DataOptions.Given> given() {
    List<DataOptions.Given> given = new ArrayList<>();
    add(given, "--tokenizer", "data.tokenizer", tokenizer);
    add(given, "--split", "data.split", split);
    add(given, "--validation-fraction", "data.validation_fraction", fraction);
    add(given, "--seed", "data.seed", seed);
    return given;
  }

  private static void add(
      List<DataOptions.Given> given, String option, String key, @Nullable Object value) {
    if (value != null) {
      given.add(new DataOptions.Given(option, key, value));
    }
  }

  private void report(TokenManifest manifest) {
    Skips skips = manifest.skips();
    skips.first().stream().limit(PLACES_SHOWN).forEach(skip -> output.note("skipped " + skip));
    skips
        .counts()
        .forEach(
            (reason, count) -> output.note("%,d skipped: %s".formatted(count, reason.words())));
    for (Split side : Split.values()) {
      if (manifest.tokens(side) == 0) {
        output.warn(
            "no document fell to the %s side; --split tails takes the end of each, another --validation-fraction or --seed chooses others"
                .formatted(ConfigSection.nameOf(side)));
      }
    }
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("finished", true);
    object.put("out", out.toString());
    object.put("tokens", manifest.tokens(Split.TRAIN) + manifest.tokens(Split.VALIDATION));
    object.put("vocab_size", manifest.vocabSize());
    object.put("tokenizer", manifest.tokenizer());
    StringBuilder text = new StringBuilder();
    for (Split side : Split.values()) {
      Map<String, Object> counts = new LinkedHashMap<>();
      counts.put("tokens", manifest.tokens(side));
      counts.put("documents", manifest.documents(side));
      counts.put("bytes", manifest.bytes(side));
      object.put(ConfigSection.nameOf(side), counts);
      text.append(
          "%-10s %,d tokens of %,d documents, %,d bytes%n"
              .formatted(
                  ConfigSection.nameOf(side),
                  manifest.tokens(side),
                  manifest.documents(side),
                  manifest.bytes(side)));
    }
    object.putAll(skips.toMap());
    text.append("%-10s %,d%n".formatted("skipped", skips.total()));
    text.append("vocabulary %,d (%s)%n".formatted(manifest.vocabSize(), manifest.tokenizer()));
    text.append("folder     ").append(out).append('\n');
    output.result(object, text.toString());
  }
}
