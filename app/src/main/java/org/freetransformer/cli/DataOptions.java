package org.freetransformer.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.config.Limits;
import org.freetransformer.config.Origin;
import org.freetransformer.corpus.DataFiles;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.DocumentFormat;
import org.freetransformer.data.DocumentSource;
import org.freetransformer.run.ConfigFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Where text comes from: a configuration, or files. */
final class DataOptions {
  /** Exactly one of the two. */
  static final class Source {
    @Option(
        names = "--config",
        paramLabel = "FILE",
        required = true,
        description = "Configuration whose data section names the text.")
    private @Nullable Path config;

    @Option(
        names = "--in",
        paramLabel = "PATH",
        required = true,
        arity = "1..*",
        description =
            "Files and folders: .jsonl (also .gz and .zst), .parquet, .zip; all else is text. Of a"
                + " folder with .jsonl or .parquet in it, only these are read.")
    private @Nullable List<Path> in;
  }

  @ArgGroup(multiplicity = "1")
  private Source source = new Source();

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Changes one value, as in --set data.text_field=body. May be repeated.")
  private List<String> changes = new ArrayList<>();

  @Option(
      names = "--field",
      paramLabel = "NAME",
      description = "Field or column that holds the text: data.text_field (default: text).")
  private @Nullable String field;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "Threads that read, 1 to "
              + DeviceOptions.MOST_THREADS
              + " (default: all processors). Results do not depend on it.")
  private @Nullable Integer threads;

  /** An option that was given in place of a key; errors name it as it was typed. */
  record Given(String option, String key, Object value) {
    private ConfigNode in(ConfigNode document) {
      Origin origin = Origin.of(option + " " + value);
      return ConfigFile.requireMapping(document).with(key, new ConfigNode.Scalar(value, origin));
    }
  }

  /** The data section, with the changes made. */
  DataConfig config(Output output, List<Given> further) {
    ConfigNode document =
        source.config == null
            ? new ConfigNode.Mapping(Map.of(), Origin.of("--in"))
            : ConfigFile.read(source.config);
    if (source.in != null) {
      document = ConfigFile.set(document, "data.dataset_name=text");
    }
    if (field != null) {
      document = new Given("--field", "data.text_field", field).in(document);
    }
    document = ConfigFile.locateData(ConfigFile.set(document, changes), source.config);
    for (Given given : further) {
      document = given.in(document);
    }
    ConfigSection section = ConfigSection.root(document).section("data");
    DataConfig data = DataConfig.read(section, Integer.MAX_VALUE, Integer.MAX_VALUE, output::note);
    if (!data.source().isText() || data.source() == DataConfig.Source.TOKENS) {
      throw new ConfigException(
          "data.dataset_name",
          "'%s' is no text; allowed are text, jsonl, parquet, hf, jdk-source"
              .formatted(data.datasetName()));
    }
    return data;
  }

  /** The documents. */
  DocumentSource documents(DataConfig data) {
    if (source.in == null) {
      return DocumentFormat.of(data);
    }
    try {
      return DataFiles.of(source.in, data.text().textField());
    } catch (ConfigException wrong) {
      throw wrong.key().equals("data_dir") ? wrong.at(Origin.of("--in"), "") : wrong;
    }
  }

  int threads() {
    int count = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
    Limits.between("--threads", count, 1, DeviceOptions.MOST_THREADS);
    return count;
  }
}
