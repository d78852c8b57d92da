package org.freetransformer.data;

import static org.freetransformer.config.Limits.between;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.config.Nearest;

/**
 * What a model is trained and evaluated on, checked and complete.
 *
 * @param datasetName {@code plan-letters}, {@code text}, {@code jsonl}, {@code parquet}, {@code
 *     hf}, {@code jdk-source}, {@code tokens}, or any name that begins with {@code synthetic}
 * @param dataDir file or folder to read
 * @param maxLength longest input of one example, in tokens
 * @param text how documents become examples
 * @param syntheticVocabSize tokens of the synthetic set
 * @param syntheticSeqLength tokens of one synthetic sequence, of which all but the last are inputs
 * @param numTrainSamples training sequences of the synthetic set
 * @param numValSamples validation sequences of the synthetic set and of plan-letters
 * @param seed of the synthetic set, of plan-letters, and of the order of examples
 */
public record DataConfig(
    String datasetName,
    String dataDir,
    int maxLength,
    TextConfig text,
    int syntheticVocabSize,
    int syntheticSeqLength,
    int numTrainSamples,
    int numValSamples,
    long seed) {

  /** Where the tokens come from. */
  public enum Source {
    /** Uniform random tokens, the original repository's set: nothing to learn. */
    SYNTHETIC,
    /** The paper's synthetic task. */
    PLAN_LETTERS,
    /** Text files. */
    TEXT,
    /** Files with one JSON object a line. */
    JSONL,
    /** Parquet tables. */
    PARQUET,
    /** A dataset downloaded from the Hugging Face hub: a folder of tables or JSONL. */
    HF,
    /** The source archive of the JDK that runs this program. */
    JDK_SOURCE,
    /** Tokens that {@code ft data prepare} wrote. */
    TOKENS;

    /** Whether examples are cut from tokens of documents. */
    public boolean isText() {
      return this != SYNTHETIC && this != PLAN_LETTERS;
    }
  }

  private static final String SYNTHETIC = "synthetic";
  private static final String PLAN_LETTERS = "plan-letters";

  private static final List<String> NAMES =
      Arrays.stream(Source.values()).map(ConfigSection::nameOf).toList();

  /**
   * Checks every value.
   *
   * @throws ConfigException naming the first key that is wrong, and the nearest valid choice
   */
  public DataConfig {
    Source source = sourceOf(datasetName);
    between(
        "max_length", maxLength, source == Source.PLAN_LETTERS ? PlanLetters.LENGTH : 1, 1 << 20);
    between("synthetic_vocab_size", syntheticVocabSize, 1, 1 << 24);
    between("synthetic_seq_length", syntheticSeqLength, 2, 1 << 20);
    if (source == Source.SYNTHETIC) {
      between("synthetic_seq_length", syntheticSeqLength, 2, maxLength + 1);
    }
    between("num_train_samples", numTrainSamples, 1, Integer.MAX_VALUE);
    between("num_val_samples", numValSamples, 1, Integer.MAX_VALUE);
  }

  /** The paper's task, with the data seed given and 5,000 validation sequences. */
  public static DataConfig planLetters(long seed) {
    return new DataConfig(
        PLAN_LETTERS,
        "./data",
        PlanLetters.LENGTH,
        TextConfig.DEFAULT,
        29,
        PlanLetters.LENGTH,
        50_000,
        5000,
        seed);
  }

  /** Where the tokens come from. */
  public Source source() {
    return sourceOf(datasetName);
  }

  /**
   * Number of different tokens the data holds, which the model's vocabulary must reach; nothing
   * where only the data or the tokenizer's file can tell.
   */
  public OptionalInt vocabSize() {
    return switch (source()) {
      case SYNTHETIC -> OptionalInt.of(syntheticVocabSize);
      case PLAN_LETTERS -> OptionalInt.of(LetterAlphabet.VOCAB_SIZE);
      case TOKENS -> OptionalInt.empty();
      default ->
          switch (text.tokenizer()) {
            case TextConfig.BYTE -> OptionalInt.of(ByteTokenizer.VOCAB_SIZE);
            case TextConfig.GPT2 -> OptionalInt.of(TextConfig.GPT2_VOCAB_SIZE);
            default -> OptionalInt.empty();
          };
    };
  }

  /** Input length T of every example, in tokens. */
  public int sequenceLength() {
    return switch (source()) {
      case SYNTHETIC -> syntheticSeqLength - 1;
      case PLAN_LETTERS -> PlanLetters.LENGTH;
      default -> maxLength;
    };
  }

  /**
   * Content of the {@code tokenizer.json} that turns text into tokens; nothing where none does.
   *
   * @throws IllegalArgumentException if it cannot be read
   */
  public Optional<String> tokenizerJson() {
    return source().isText()
        ? text.tokenizerFile()
            .map(file -> new String(Preparation.readFile(file), StandardCharsets.UTF_8))
        : Optional.empty();
  }

  /** The same data with other choices of how documents become examples. */
  public DataConfig withText(TextConfig other) {
    return new DataConfig(
        datasetName,
        dataDir,
        maxLength,
        other,
        syntheticVocabSize,
        syntheticSeqLength,
        numTrainSamples,
        numValSamples,
        seed);
  }

  /** The same tokens and lengths, cut from other files. */
  public DataConfig withFiles(String otherName, String otherDir) {
    return new DataConfig(
        otherName,
        otherDir,
        maxLength,
        text,
        syntheticVocabSize,
        syntheticSeqLength,
        numTrainSamples,
        numValSamples,
        seed);
  }

  /**
   * The same with synthetic sequences that lie in a folder.
   *
   * @param otherVocabSize tokens that they may have
   * @param otherLength tokens of a sequence
   */
  public DataConfig withSequences(String otherDir, int otherVocabSize, int otherLength) {
    return new DataConfig(
        datasetName,
        otherDir,
        Math.max(maxLength, otherLength),
        text,
        otherVocabSize,
        otherLength,
        numTrainSamples,
        numValSamples,
        seed);
  }

  /**
   * Reads the {@code data} section. What it does not say follows from the model: inputs as long as
   * the model takes up to the default 2048, a synthetic vocabulary up to the default 10,000.
   *
   * @param modelVocabSize vocabulary of the model that will read the data
   * @param modelMaxSeqLen longest input of that model
   * @param notes told, in one line each, of keys that have no effect here
   * @throws ConfigException with the place of the first key that is unknown, ill-typed, wrong, or
   *     asks for what is not built in this version
   */
  public static DataConfig read(
      ConfigSection section, int modelVocabSize, int modelMaxSeqLen, Consumer<String> notes) {
    String name = section.text("dataset_name", SYNTHETIC);
    int natural = name.equals(PLAN_LETTERS) ? PlanLetters.LENGTH : Math.min(2048, modelMaxSeqLen);
    int maxLength = section.integer("max_length", natural);
    String dataDir = section.text("data_dir", "./data");
    // A model that names its tokenizer can write whatever became of the tokens.
    boolean named = section.has("tokenizer") || section.has("tokenizer_name");
    String tokenizer = name.equals("tokens") && !named ? tokenizerOf(dataDir) : TextConfig.BYTE;
    Supplier<TextConfig> text = TextConfig.read(section, tokenizer);
    int vocabSize = section.integer("synthetic_vocab_size", Math.min(10_000, modelVocabSize));
    int seqLength = section.integer("synthetic_seq_length", Math.clamp(maxLength, 2, 512));
    int train = section.integer("num_train_samples", 50_000);
    int validation = section.integer("num_val_samples", 5000);
    long seed = section.longInteger("seed", 42);
    if (section.has("num_workers")) {
      section.integer("num_workers", 0);
      notes.accept("data.num_workers has no effect: batches are made as they are needed");
    }
    return section.build(() ->
        new DataConfig(
            name, dataDir, maxLength, text.get(), vocabSize, seqLength, train, validation, seed));
  }

  /** The tokenizer of prepared tokens, which need not be there yet. */
  private static String tokenizerOf(String dataDir) {
    Path folder = Path.of(dataDir);
    return Files.exists(folder.resolve(TokenManifest.FILE))
        ? TokenManifest.read(folder).tokenizerIn(folder)
        : TextConfig.BYTE;
  }

  /** All keys and values as {@link #read} takes them. */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("dataset_name", datasetName);
    map.put("data_dir", dataDir);
    map.put("max_length", maxLength);
    map.putAll(text.toMap());
    map.put("synthetic_vocab_size", syntheticVocabSize);
    map.put("synthetic_seq_length", syntheticSeqLength);
    map.put("num_train_samples", numTrainSamples);
    map.put("num_val_samples", numValSamples);
    map.put("seed", seed);
    return map;
  }

  private static Source sourceOf(String name) {
    if (name.startsWith(SYNTHETIC)) {
      return Source.SYNTHETIC;
    }
    return Arrays.stream(Source.values())
        .filter(source -> ConfigSection.nameOf(source).equals(name))
        .findFirst()
        .orElseThrow(() -> unknown(name));
  }

  private static ConfigException unknown(String name) {
    String near = Nearest.to(name, NAMES).map(n -> "; nearest is " + n).orElse("");
    return new ConfigException(
        "dataset_name",
        "'%s' is unknown; allowed are %s%s".formatted(name, String.join(", ", NAMES), near));
  }
}
