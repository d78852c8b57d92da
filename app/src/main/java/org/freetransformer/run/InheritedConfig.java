package org.freetransformer.run;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.config.Origin;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.DataConfig.Source;
import org.freetransformer.train.InitialModel;

/**
 * What a configuration takes over from the saved model that its run starts from: the model's shape,
 * and how text becomes tokens.
 */
public final class InheritedConfig {
  private static final String DATA = "data";
  private static final String DATASET = "dataset_name";
  private static final String TOKENIZER = "tokenizer";

  /** Data that a tokenizer makes tokens of: prepared tokens know theirs. */
  private static final List<String> TOKENIZED =
      Arrays.stream(Source.values())
          .filter(source -> source.isText() && source != Source.TOKENS)
          .map(ConfigSection::nameOf)
          .toList();

  private InheritedConfig() {}

  /**
   * The document with {@code model} and {@code data.tokenizer} from a saved model, as far as it
   * leaves them open.
   *
   * @throws ConfigException if it contradicts the saved model's shape, or does not say what to
   *     train on; or if neither it nor the model names a tokenizer
   */
  public static ConfigNode complete(ConfigNode document, SavedModel model) {
    if (!(document instanceof ConfigNode.Mapping root)) {
      return document; // Whoever reads it says what is wrong.
    }
    requireDataset(root, model);
    ConfigNode.Mapping shaped = new InitialModel(model.file()).complete(root);
    return lacksTokenizer(root) ? shaped.with(DATA + "." + TOKENIZER, tokenizer(model)) : shaped;
  }

  /** Else the default would be random tokens, which no one wants a trained model to see. */
  private static void requireDataset(ConfigNode.Mapping root, SavedModel model) {
    if (!keys(root).containsKey(DATASET)) {
      throw new ConfigException(
          DATA + "." + DATASET,
          "is missing: what is %s to be trained on? as in --set data.dataset_name=text --set data.data_dir=FILE; allowed are %s, tokens and the synthetic sets"
              .formatted(model.path(), String.join(", ", TOKENIZED)));
    }
  }

  private static boolean lacksTokenizer(ConfigNode.Mapping root) {
    Map<String, ConfigNode> data = keys(root);
    boolean named = data.containsKey(TOKENIZER) || data.containsKey("tokenizer_name");
    return !named
        && data.get(DATASET) instanceof ConfigNode.Scalar(String name, Origin _)
        && TOKENIZED.contains(name);
  }

  private static Map<String, ConfigNode> keys(ConfigNode.Mapping root) {
    return root.entries().get(DATA) instanceof ConfigNode.Mapping data ? data.entries() : Map.of();
  }

  private static ConfigNode tokenizer(SavedModel model) {
    String name =
        model
            .tokenizerName()
            .orElseThrow(() ->
                new ConfigException(
                    DATA + "." + TOKENIZER,
                    "is missing, and %s does not say how text becomes tokens; allowed are byte, gpt2, or the path of a tokenizer.json"
                        .formatted(model.path())));
    return new ConfigNode.Scalar(name, Origin.of(model.path() + ", " + ModelFile.DATA_CONFIG));
  }

  /**
   * Tells if data has other tokens than the model was trained on: they are other words to it.
   *
   * @param notes told in one line
   */
  public static void tellOtherTokens(DataConfig data, SavedModel model, Consumer<String> notes) {
    Optional<String> known = model.tokenizerName();
    if (known.isEmpty() || !data.source().isText()) {
      return;
    }
    String name = data.text().tokenizer();
    DataConfig before = data.withText(data.text().withTokenizer(known.get()));
    boolean same =
        data.tokenizerJson().isPresent()
            ? data.tokenizerJson().equals(before.tokenizerJson())
            : name.equals(known.get());
    if (!same) {
      notes.accept(
          "data.tokenizer is %s, but %s was trained with %s: the same tokens are other text to it"
              .formatted(name, model.path(), known.get()));
    }
  }
}
