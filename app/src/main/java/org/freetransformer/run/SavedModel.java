package org.freetransformer.run;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointException;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.checkpoint.HuggingFaceFolder;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.SeedCheckpoint;
import org.freetransformer.checkpoint.TensorStore;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.SeedSequences;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.jspecify.annotations.Nullable;

/**
 * A model on the disk: of a run its newest whole checkpoint, a checkpoint's folder, or what other
 * programs saved.
 *
 * @param path as the user named it, or the checkpoint that was found there
 * @param file its weights, open until this is closed
 * @param step optimizer steps it was trained for; null where it is not said
 */
public record SavedModel(Path path, TensorStore file, @Nullable Long step)
    implements AutoCloseable {

  /**
   * Opens a run folder, a checkpoint folder, a Llama folder of Hugging Face, a safetensors file or
   * a file of the original repository.
   *
   * @param notes told, in one line each, of damaged checkpoints that are passed over
   * @throws IllegalArgumentException if there is none, or it is damaged
   */
  public static SavedModel open(Path path, Consumer<String> notes) {
    return open(path, Checkpoint.Use.WEIGHTS, notes);
  }

  /**
   * The same without a look at every byte of the weights, which {@link #isWhole} takes: of a run
   * the newest checkpoint whose other files are whole.
   */
  public static SavedModel openUnverified(Path path, Consumer<String> notes) {
    return open(path, Checkpoint.Use.UNVERIFIED_WEIGHTS, notes);
  }

  private static SavedModel open(Path path, Checkpoint.Use use, Consumer<String> notes) {
    InputFiles.requireExists(path, "run, checkpoint, model folder or file");
    RunFolder run = new RunFolder(path);
    if (Files.exists(run.config())) {
      return of(newest(run, use, notes));
    }
    if (Checkpoint.isOne(path)) {
      return of(Checkpoint.open(path, use));
    }
    if (Files.isDirectory(path) && !HuggingFaceFolder.isOne(path)) {
      throw new CheckpointException(
          path.toString(),
          "holds no model: looked for config.yaml (a run), state.json (a checkpoint) and"
              + " config.json (a Llama model of Hugging Face)");
    }
    TensorStore store = TensorStore.open(path);
    return new SavedModel(path, store, store instanceof SeedCheckpoint seed ? seed.step() : null);
  }

  private static SavedModel of(Checkpoint checkpoint) {
    return new SavedModel(checkpoint.folder(), checkpoint.openModel(), checkpoint.state().step());
  }

  /**
   * Opens the checkpoint of a run with the lowest held-out bound.
   *
   * @param notes told, in one line each, of damaged checkpoints that are passed over
   * @throws IllegalArgumentException if there is no run, or none of its checkpoints was evaluated
   */
  public static SavedModel best(Path path, Consumer<String> notes) {
    RunFolder run = RunFolder.open(path);
    Checkpoint best =
        new CheckpointFolder(run.checkpoints())
            .best(Checkpoint.Use.WEIGHTS, notes)
            .orElseThrow(() ->
                new CheckpointException(
                    path.toString(),
                    "has no checkpoint of an evaluated step; training.eval_every says when to"
                        + " evaluate"));
    return of(best);
  }

  private static Checkpoint newest(RunFolder run, Checkpoint.Use use, Consumer<String> notes) {
    Optional<Checkpoint> newest = new CheckpointFolder(run.checkpoints()).newest(use, notes);
    return newest.orElseThrow(() ->
        new CheckpointException(
            run.path().toString(), "this run has saved no checkpoint yet; train on first"));
  }

  /** Whether every byte of a checkpoint's weights is as it was saved; of others no one knows. */
  public boolean isWhole() {
    try {
      if (Checkpoint.isOne(path)) {
        Checkpoint.verifyWeights(path);
      }
      return true;
    } catch (CheckpointException damaged) {
      return false;
    }
  }

  /** The model's shape. */
  public ModelConfig config() {
    return ModelFile.config(file);
  }

  /** Makes the model on an engine. */
  public LanguageModel load(Engine engine) {
    return ModelFile.load(engine, file);
  }

  /**
   * How text becomes the model's tokens, in what it was trained on.
   *
   * @throws CheckpointException if the file does not say
   */
  public DataConfig dataConfig(Consumer<String> notes) {
    String json = file.metadata().get(ModelFile.DATA_CONFIG);
    if (json == null) {
      throw saysNothing(
          "a Llama of Hugging Face has a tokenizer.json for that, any other model the key '%s' in its"
                  .formatted(ModelFile.DATA_CONFIG)
              + " metadata");
    }
    return dataConfig(json, notes);
  }

  private CheckpointException saysNothing(String remedy) {
    return new CheckpointException(
        file.source(),
        "does not say what it was trained on, nor how text becomes tokens; " + remedy);
  }

  /**
   * What the model was trained on, to measure it there: of a Llama of Hugging Face that is not
   * known, though its tokenizer is.
   *
   * @throws CheckpointException if the file does not say
   */
  public DataConfig trainingData(Consumer<String> notes) {
    if (!file.metadata().containsKey(ModelFile.DATA_CONFIG)) {
      throw saysNothing("ft eval --data names text to evaluate it on, byte by byte");
    }
    DataConfig data = dataConfig(notes);
    if (data.source().isText() && data.source() != DataConfig.Source.JDK_SOURCE && !namesData()) {
      throw new CheckpointException(
          file.source(),
          "does not say what it was trained on, only how text becomes tokens; ft eval --data names"
              + " text to evaluate it on");
    }
    return data;
  }

  private boolean namesData() {
    String json = file.metadata().getOrDefault(ModelFile.DATA_CONFIG, "{}");
    return ConfigSection.root(ConfigJson.read(json, file.source())).has("data_dir");
  }

  /**
   * The tokenizer of the text that the model was trained on, as {@code data.tokenizer} names it;
   * nothing where the file does not say, the tokenizer's own is gone, or the tokens were not text.
   */
  public Optional<String> tokenizerName() {
    String json = file.metadata().get(ModelFile.DATA_CONFIG);
    if (json == null) {
      return Optional.empty();
    }
    DataConfig trained = dataConfig(json, _ -> {});
    boolean there =
        trained.text().tokenizerFile().map(path -> Files.exists(Path.of(path))).orElse(true);
    return trained.source().isText() && there
        ? Optional.of(trained.text().tokenizer())
        : Optional.empty();
  }

  /**
   * Other data for the same model: tokens and lengths as it was trained on, or bytes where the file
   * does not say.
   *
   * @param text a file, or a folder; for synthetic sequences the folder of their {@code val.pt}
   * @param kind gives the dataset's name, as the names of its files tell it
   * @throws CheckpointException if the model's tokens do not stand for text, nor for such sequences
   */
  public DataConfig dataConfig(Path text, Function<Path, String> kind, Consumer<String> notes) {
    DataConfig trained =
        dataConfig(
            file.metadata().getOrDefault(ModelFile.DATA_CONFIG, "{\"dataset_name\": \"text\"}"),
            notes);
    if (trained.source() == DataConfig.Source.SYNTHETIC) {
      return sequences(text, trained);
    }
    if (!trained.source().isText()) {
      throw new CheckpointException(
          file.source(),
          "was trained on %s, whose tokens are not those of a text"
              .formatted(trained.datasetName()));
    }
    return trained.withFiles(kind.apply(text), text.toString());
  }

  /** Sequences that the original repository's programs or {@code ft data generate} wrote. */
  private DataConfig sequences(Path folder, DataConfig trained) {
    Path written = folder.resolve(SeedSequences.VALIDATION);
    if (!Files.exists(written)) {
      throw new CheckpointException(
          file.source(),
          "was trained on %s, whose tokens are not those of a text; it is evaluated on a folder with %s, which %s is not"
              .formatted(trained.datasetName(), SeedSequences.VALIDATION, folder));
    }
    ModelConfig model = config();
    try (SeedSequences found = SeedSequences.ofValidation(folder)) {
      if (found.vocabSize() > model.vocabSize() || found.length() > model.maxSeqLen()) {
        throw FileProblems.at(
            written,
            "has sequences of %d tokens, up to token %d; the model takes %d, up to %d"
                .formatted(
                    found.length() + 1,
                    found.vocabSize() - 1,
                    model.maxSeqLen() + 1,
                    model.vocabSize() - 1));
      }
      return trained.withSequences(folder.toString(), model.vocabSize(), found.length() + 1);
    }
  }

  private DataConfig dataConfig(String json, Consumer<String> notes) {
    DataConfig data = readDataConfig(json, notes);
    Path tokenizer = tokenizer();
    return tokenizer == null
        ? data
        : data.withText(data.text().withTokenizer(tokenizer.toString()));
  }

  /** As it was saved: a tokenizer's file may have another place now. */
  private DataConfig readDataConfig(String json, Consumer<String> notes) {
    ModelConfig model = config();
    String source = file.source() + ", metadata " + ModelFile.DATA_CONFIG;
    return DataConfig.read(
        ConfigSection.root(ConfigJson.read(json, source)),
        model.vocabSize(),
        model.maxSeqLen(),
        notes);
  }

  /**
   * The tokenizer's file, beside the weights; null if there is none, or the one that lies there is
   * not the model's, which was trained on bytes, say.
   */
  public @Nullable Path tokenizer() {
    Path beside =
        Files.isDirectory(path)
            ? path.resolve(Checkpoint.TOKENIZER)
            : path.resolveSibling(Checkpoint.TOKENIZER);
    if (!Files.isRegularFile(beside)) {
      return null;
    }
    String json = file.metadata().get(ModelFile.DATA_CONFIG);
    boolean foreign =
        json != null && readDataConfig(json, _ -> {}).text().tokenizerFile().isEmpty();
    return foreign ? null : beside;
  }

  @Override
  public void close() {
    file.close();
  }
}
