package org.freetransformer.data;

import java.util.Optional;
import java.util.ServiceLoader;

/**
 * Opens kinds of data that need more than the JDK. Implementations are found by {@link
 * ServiceLoader}, so that an application adds its own kind of source by naming a class.
 */
public interface DocumentFormat {

  /**
   * The documents of {@code config.dataDir()}, if this format knows {@code config.source()}.
   *
   * @throws IllegalArgumentException if the data is missing or not of that kind
   */
  Optional<DocumentSource> open(DataConfig config);

  /**
   * The documents that a configuration names.
   *
   * @throws IllegalArgumentException if they are missing, or no format on the class path knows them
   */
  static DocumentSource of(DataConfig config) {
    return switch (config.source()) {
      case TEXT -> TextFiles.of(config.dataDir());
      case JDK_SOURCE -> SourceArchive.ofRunningJdk();
      default ->
          ServiceLoader.load(DocumentFormat.class).stream()
              .map(provider -> provider.get().open(config))
              .flatMap(Optional::stream)
              .findFirst()
              .orElseThrow(() ->
                  new IllegalArgumentException(
                      "dataset_name: '%s' needs a library that is not on the class path; it comes with ft-app"
                          .formatted(config.datasetName())));
    };
  }
}
