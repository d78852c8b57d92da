package org.freetransformer.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.freetransformer.checkpoint.AtomicFile;
import org.freetransformer.config.ConfigSection;

/**
 * Makes a folder of tokens out of documents. Parts of the source become shards, several at a time;
 * what comes out does not depend on how many. A preparation that was stopped or killed goes on
 * where it was: shards that are complete, as their checksums say, are kept.
 */
public final class Preparation {

  private static final String SETTINGS = "preparing.json";
  private static final String LOCK = ".lock";

  /** Two preparations in this process take turns; the file lock keeps other processes out. */
  private static final ReentrantLock TURN = new ReentrantLock();

  private final List<DocumentSource.Part> parts;
  private final Tokenizer tokenizer;
  private final byte[] tokenizerFile;
  private final Settings settings;
  private final String identity;

  /**
   * How documents become tokens.
   *
   * @param tokenizer name of the tokenizer, {@link TokenManifest#TOKENIZER} for one with a file
   * @param split what is held out, {@link SplitRule#AUTO} decided already
   * @param validationFraction share that is held out
   * @param seed of the choice
   */
  public record Settings(String tokenizer, SplitRule split, double validationFraction, long seed) {}

  /**
   * A preparation that has not begun.
   *
   * @param tokenizerFile content of the tokenizer's file, which goes into the folder; empty if it
   *     has none
   * @throws IllegalArgumentException if there is nothing to read
   */
  public Preparation(
      DocumentSource source, Tokenizer tokenizer, byte[] tokenizerFile, Settings settings) {
    this.parts = source.parts();
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("the data holds no document: there is nothing to read");
    }
    this.tokenizer = tokenizer;
    this.tokenizerFile = tokenizerFile.clone();
    this.settings = settings;
    this.identity = digest();
  }

  /**
   * The preparation that a configuration asks for.
   *
   * @throws IllegalArgumentException if data or tokenizer are missing or damaged
   */
  public static Preparation of(DataConfig config, DocumentSource source) {
    TextConfig text = config.text();
    byte[] file = text.tokenizerFile().map(Preparation::readFile).orElse(new byte[0]);
    boolean single = source instanceof TextFiles files && files.isSingleFile();
    SplitRule split =
        text.split() != SplitRule.AUTO
            ? text.split()
            : single ? SplitRule.TAILS : SplitRule.DOCUMENTS;
    String name = file.length == 0 ? text.tokenizer() : TokenManifest.TOKENIZER;
    return new Preparation(
        source,
        TokenizerFormat.byName(text.tokenizer()),
        file,
        new Settings(name, split, text.validationFraction(), config.seed()));
  }

  /** The content of a tokenizer's file; a folder is one that holds a tokenizer.json. */
  static byte[] readFile(String path) {
    try {
      Path file = Path.of(path);
      return Files.readAllBytes(
          Files.isDirectory(file) ? file.resolve(TokenManifest.TOKENIZER) : file);
    } catch (IOException unreadable) {
      throw new IllegalArgumentException(
          "tokenizer: %s cannot be read; allowed are byte, gpt2, or the path of a tokenizer.json (%s)"
              .formatted(path, unreadable.getClass().getSimpleName()),
          unreadable);
    }
  }

  /** Digest of everything that decides the tokens. */
  public String identity() {
    return identity;
  }

  /** Bytes to read. */
  public long bytes() {
    return parts.stream().mapToLong(DocumentSource.Part::bytes).sum();
  }

  /**
   * Does what is left to do.
   *
   * @param folder to write to; made if absent
   * @param threads parts that are read at the same time
   * @param progress told how many bytes are done, by any thread
   * @param stop asked now and then whether to stop
   * @return what the folder holds; nothing if stopped, and then the same call goes on later
   * @throws IllegalArgumentException if the folder holds something else, or no document was found
   * @throws IOException if the folder cannot be written
   */
  public Optional<TokenManifest> run(
      Path folder, int threads, LongConsumer progress, BooleanSupplier stop) throws IOException {
    Files.createDirectories(folder);
    TURN.lock();
    try (FileChannel lock =
        FileChannel.open(
            folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      lock.lock(); // Held until the channel is closed, or the process ends in whatever way.
      if (Files.exists(folder.resolve(TokenManifest.FILE))) {
        return Optional.of(existing(folder));
      }
      begin(folder);
      try {
        List<PartRecord> records = readAll(folder, threads, progress, stop);
        return records.isEmpty() ? Optional.empty() : Optional.of(finish(folder, records));
      } catch (IllegalArgumentException refused) {
        forgetIfFruitless(folder);
        throw refused;
      }
    } finally {
      TURN.unlock();
    }
  }

  private TokenManifest existing(Path folder) {
    TokenManifest manifest = TokenManifest.read(folder);
    if (!manifest.identity().equals(identity)) {
      throw new IllegalArgumentException(
          folder + ": holds tokens of other data or settings; name another folder");
    }
    return manifest;
  }

  private void begin(Path folder) throws IOException {
    Path file = folder.resolve(SETTINGS);
    if (Files.exists(file)) {
      String begun = JsonFile.read(file).text("identity", "");
      if (!begun.equals(identity)) {
        throw new IllegalArgumentException(
            folder
                + ": holds an unfinished preparation of other data or settings; name another"
                + " folder");
      }
    } else if (!isEmpty(folder)) {
      throw new IllegalArgumentException(
          folder + ": holds files of another kind; name an empty or a new folder");
    }
    // Before any other file: it alone says that they are this preparation's, should it be killed.
    JsonFile.write(file, Map.of("identity", identity));
    for (Path left : names(folder, ShardWriter.TEMPORARY)) {
      Files.delete(left);
    }
    if (tokenizerFile.length > 0) {
      AtomicFile.write(
          folder.resolve(TokenManifest.TOKENIZER),
          channel -> channel.write(ByteBuffer.wrap(tokenizerFile)));
    }
  }

  /**
   * Takes back what was begun, if no part came to tokens: data that is corrected is other data, for
   * which the folder would be taken.
   */
  private void forgetIfFruitless(Path folder) throws IOException {
    if (!names(folder, TokenShard.TOKENS_ENDING).isEmpty()) {
      return;
    }
    for (Path part : names(folder, PartRecord.ENDING)) {
      Files.delete(part);
    }
    if (tokenizerFile.length > 0) {
      Files.deleteIfExists(folder.resolve(TokenManifest.TOKENIZER));
    }
    Files.deleteIfExists(folder.resolve(SETTINGS)); // By this file a preparation has begun.
  }

  private static boolean isEmpty(Path folder) throws IOException {
    try (Stream<Path> found = Files.list(folder)) {
      return found.allMatch(file -> file.getFileName().toString().startsWith("."));
    }
  }

  private static List<Path> names(Path folder, String ending) throws IOException {
    try (Stream<Path> found = Files.list(folder)) {
      return found.filter(file -> file.getFileName().toString().endsWith(ending)).toList();
    }
  }

  /** The records of all parts; none if stopped. */
  private List<PartRecord> readAll(
      Path folder, int threads, LongConsumer progress, BooleanSupplier stop) throws IOException {
    Map<Integer, PartRecord> records = new ConcurrentSkipListMap<>(); // In the order of parts.
    PartReaders.read(
        parts,
        threads,
        progress,
        stop,
        (number, part, stopping) ->
            prepare(folder, number, part, stopping)
                .ifPresent(record -> records.put(number, record)));
    return records.size() < parts.size() ? List.of() : List.copyOf(records.values());
  }

  /** The record of a part, made now or before; nothing if stopped. */
  private Optional<PartRecord> prepare(
      Path folder, int number, DocumentSource.Part part, BooleanSupplier stop) throws IOException {
    Optional<PartRecord> before = PartRecord.read(folder, number);
    if (before.isPresent()) {
      return before;
    }
    try (PartWriter writer = new PartWriter(folder, number, tokenizer, settings, part, stop)) {
      part.read(writer);
      return Optional.of(writer.finish());
    } catch (PartWriter.Stopped _) {
      return Optional.empty();
    }
  }

  private TokenManifest finish(Path folder, List<PartRecord> records) throws IOException {
    Skips skips = new Skips();
    List<TokenShard> shards = new ArrayList<>();
    for (PartRecord record : records) {
      skips.addAll(record.skips());
      shards.addAll(record.shards());
    }
    if (shards.isEmpty()) {
      String why = skips.first().isEmpty() ? "" : "; the first: " + skips.first().getFirst();
      throw new IllegalArgumentException(
          "the data holds no document: %,d skipped%s".formatted(skips.total(), why));
    }
    TokenManifest manifest =
        new TokenManifest(identity, settings.tokenizer(), tokenizer.vocabSize(), shards, skips);
    manifest.write(folder);
    for (Path part : names(folder, PartRecord.ENDING)) {
      Files.delete(part);
    }
    Files.deleteIfExists(folder.resolve(SETTINGS));
    return manifest;
  }

  private String digest() {
    boolean tails = settings.split() == SplitRule.TAILS;
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("tokenizer", settings.tokenizer());
    all.put("tokenizer_sha256", HexFormat.of().formatHex(SplitRule.sha256(tokenizerFile)));
    // Other tokens have the same name from before, when each piece of a long file had its own tail.
    all.put("split", tails ? "tails of whole texts" : ConfigSection.nameOf(settings.split()));
    all.put("validation_fraction", settings.validationFraction());
    all.put("seed", settings.seed());
    StringBuilder text = new StringBuilder(all.toString());
    for (DocumentSource.Part part : parts) {
      text.append('\n').append(part.split()).append('\n').append(part.identity());
    }
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    return HexFormat.of().formatHex(SplitRule.sha256(bytes));
  }
}
