package org.freetransformer.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * Tokens of data that nobody prepared by hand: made when they are first asked for, and kept under a
 * name that data and settings decide.
 */
final class TokenCache {

  private static final long NOTE_EVERY_BYTES = 64 << 20;

  private TokenCache() {}

  /**
   * The folder with the tokens of a configuration's data.
   *
   * @param notes told what takes time, and what was skipped
   * @param stop asked now and then whether to stop
   * @throws IllegalArgumentException if the data is missing, or the folder cannot be written
   * @throws UncheckedIOException if the disk has no room for them
   * @throws CancellationException if it was stopped; the same call goes on with what was made
   */
  static Path prepared(DataConfig config, Consumer<String> notes, BooleanSupplier stop) {
    Preparation preparation = Preparation.of(config, DocumentFormat.of(config));
    String name = config.datasetName() + "-" + preparation.identity().substring(0, 16);
    Path folder = folderOf(config.text()).resolve(name);
    if (!Files.exists(folder.resolve(TokenManifest.FILE))) {
      requireWritable(folder);
      try {
        make(preparation, folder, notes, stop);
      } catch (IOException full) {
        throw new UncheckedIOException(full);
      }
    }
    return folder;
  }

  private static void requireWritable(Path folder) {
    try {
      Files.createDirectories(folder);
      Files.delete(Files.createTempFile(folder, ".write", ".test"));
    } catch (IOException failure) {
      throw new IllegalArgumentException(
          "data.cache_dir: %s cannot be written; name another folder (%s)"
              .formatted(folder, failure.getMessage()),
          failure);
    }
  }

  private static Path folderOf(TextConfig text) {
    return text.cacheDir().isEmpty()
        ? Path.of(System.getProperty("user.home"), ".cache", "free-transformer")
        : Path.of(text.cacheDir());
  }

  private static void make(
      Preparation preparation, Path folder, Consumer<String> notes, BooleanSupplier stop)
      throws IOException {
    long total = preparation.bytes();
    notes.accept("making tokens of %,d bytes in %s".formatted(total, folder));
    AtomicLong next = new AtomicLong(NOTE_EVERY_BYTES);
    LongConsumer progress =
        done -> {
          if (done < total && done >= next.get()) {
            next.addAndGet(NOTE_EVERY_BYTES);
            notes.accept("%,d of %,d bytes".formatted(done, total));
          }
        };
    int threads = Runtime.getRuntime().availableProcessors();
    TokenManifest made =
        preparation
            .run(folder, threads, progress, stop)
            .orElseThrow(() ->
                new CancellationException(
                    "stopped while making tokens in %s; the same command goes on with them"
                        .formatted(folder)));
    Skips skips = made.skips();
    if (skips.total() > 0) {
      notes.accept(
          "%,d skipped, the first: %s; %s names more"
              .formatted(
                  skips.total(), skips.first().getFirst(), folder.resolve(TokenManifest.FILE)));
    }
  }
}
