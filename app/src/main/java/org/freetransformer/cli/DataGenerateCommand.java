package org.freetransformer.cli;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.freetransformer.checkpoint.AtomicFile;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.Limits;
import org.freetransformer.config.Origin;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.LetterAlphabet;
import org.freetransformer.data.PlanLetters;
import org.freetransformer.data.SeedSequences;
import org.freetransformer.data.SeedSequencesWriter;
import org.freetransformer.data.Split;
import org.freetransformer.data.UniformRandom;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.run.Json;
import org.freetransformer.run.OutputFiles;
import org.freetransformer.train.RunConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ft data generate}: writes a synthetic set to files. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = {
      "Writes a synthetic set: synthetic as train.pt and val.pt, in the original repository's",
      "format; plan-letters as train.jsonl and validation.jsonl. Training needs neither: it makes",
      "both sets from the seed as it goes."
    })
final class DataGenerateCommand implements Callable<Integer> {
  @Mixin private Output output;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "Configuration whose data section describes the set.")
  private @Nullable Path config;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes one value, as in --set data.num_train_samples=1000. May be repeated.")
  private List<String> changes = new ArrayList<>();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the set: data.seed (default: 42).")
  private @Nullable Long seed;

  @Option(names = "--out", paramLabel = "DIR", required = true, description = "Folder to write to.")
  private Path out;

  @Override
  public Integer call() throws IOException {
    DataConfig data = read();
    requireNew();
    OutputFiles.requireWritableFolder(out);
    boolean letters = data.source() == DataConfig.Source.PLAN_LETTERS;
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("out", out.toString());
    if (letters) {
      writeLetters(data);
    } else {
      writeUniform(data);
    }
    long perSequence = letters ? PlanLetters.LENGTH + 1 : data.syntheticSeqLength();
    object.put("tokens", (data.numTrainSamples() + (long) data.numValSamples()) * perSequence);
    object.put("train", data.numTrainSamples());
    object.put("validation", data.numValSamples());
    object.put("skipped", Map.of());
    output.result(
        object,
        "%,d sequences to train on and %,d to measure on, of %d tokens each%nfolder: %s"
            .formatted(data.numTrainSamples(), data.numValSamples(), perSequence, out));
    return 0;
  }

  private DataConfig read() {
    ConfigNode document =
        config == null
            ? new ConfigNode.Mapping(Map.of(), Origin.of("command line"))
            : ConfigFile.read(config);
    document = ConfigFile.set(document, changes);
    if (seed != null) {
      document = ConfigFile.set(document, "data.seed=" + seed);
    }
    DataConfig data = RunConfig.read(document, output::note).data();
    if (data.source().isText()) {
      throw new ConfigException(
          "data.dataset_name",
          "'%s' is not made but found; allowed are synthetic and plan-letters"
              .formatted(data.datasetName()));
    }
    Limits.between("data.num_train_samples", data.numTrainSamples(), 1, 100_000_000);
    return data;
  }

  /** What was stopped before it wrote the training file is begun anew. */
  private void requireNew() {
    for (String name : List.of(SeedSequences.TRAINING, "train.jsonl")) {
      if (Files.exists(out.resolve(name))) {
        throw new ConfigException("--out", out.resolve(name) + " is there already; name another");
      }
    }
  }

  private void writeUniform(DataConfig data) throws IOException {
    Dataset random =
        new UniformRandom(
            data.syntheticVocabSize(),
            data.syntheticSeqLength(),
            data.numTrainSamples(),
            data.numValSamples(),
            data.seed());
    SeedSequencesWriter writer = new SeedSequencesWriter(random);
    // The training file last: a folder that has it is complete.
    writer.write(Split.VALIDATION, out.resolve(SeedSequences.VALIDATION), data.seed());
    writer.write(Split.TRAIN, out.resolve(SeedSequences.TRAINING), data.seed());
  }

  private void writeLetters(DataConfig data) throws IOException {
    Dataset letters = new PlanLetters(data.seed(), data.numValSamples());
    writeLetters(letters, Split.VALIDATION, data.numValSamples(), "validation.jsonl");
    writeLetters(letters, Split.TRAIN, data.numTrainSamples(), "train.jsonl");
  }

  private void writeLetters(Dataset letters, Split split, int count, String name)
      throws IOException {
    LetterAlphabet alphabet = new LetterAlphabet();
    int[] tokens = new int[letters.length()];
    int[] targets = new int[letters.length()];
    int[] all = new int[letters.length() + 1];
    AtomicFile.write(
        out.resolve(name),
        channel -> {
          BufferedWriter lines =
              new BufferedWriter(Channels.newWriter(channel, StandardCharsets.UTF_8));
          for (int i = 0; i < count; i++) {
            letters.read(split, i, tokens, targets, 0);
            System.arraycopy(tokens, 0, all, 0, tokens.length);
            all[tokens.length] = targets[tokens.length - 1];
            lines.write(Json.write(Map.of("text", alphabet.decode(all))));
            lines.write('\n');
          }
          lines.flush();
        });
  }
}
