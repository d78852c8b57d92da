package org.freetransformer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

final class PreparationTest {

  static final Preparation.Settings SETTINGS =
      new Preparation.Settings("byte", SplitRule.DOCUMENTS, 0.2, 5);

  @TempDir private Path folder;

  private Path corpus() throws IOException {
    return corpus(folder.resolve("corpus"), 60);
  }

  static Path corpus(Path corpus, int files) throws IOException {
    Files.createDirectories(corpus);
    Random random = new Random(7);
    for (int i = 0; i < files; i++) {
      StringBuilder text = new StringBuilder();
      for (int word = random.nextInt(300); word >= 0; word--) {
        text.append(Integer.toString(random.nextInt(1 << 20), 36)).append(' ');
      }
      Files.writeString(corpus.resolve("%03d.txt".formatted(i)), text);
    }
    Files.write(corpus.resolve("zero.bin"), new byte[3]);
    Files.write(corpus.resolve("empty.txt"), new byte[0]);
    return corpus;
  }

  static Preparation preparation(Path corpus) {
    TextFiles source = new TextFiles(FileListing.of(corpus), 2000);
    return new Preparation(source, new ByteTokenizer(), new byte[0], SETTINGS);
  }

  private static TokenManifest run(Path corpus, Path out, int threads) throws IOException {
    return preparation(corpus).run(out, threads, _ -> {}, () -> false).orElseThrow();
  }

  private static Map<String, byte[]> contents(Path out) throws IOException {
    Map<String, byte[]> contents = new TreeMap<>();
    try (Stream<Path> files = Files.list(out)) {
      for (Path file : files.toList()) {
        contents.put(file.getFileName().toString(), Files.readAllBytes(file));
      }
    }
    return contents;
  }

  private static void assertSame(Path one, Path other) throws IOException {
    Map<String, byte[]> expected = contents(one);
    Map<String, byte[]> actual = contents(other);
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, bytes) -> assertThat(actual.get(name)).as(name).isEqualTo(bytes));
  }

  /** All documents of a split, read back out of the shards. */
  private static List<String> documents(Path out, Split split) throws IOException {
    List<String> documents = new ArrayList<>();
    for (TokenShard shard : TokenManifest.read(out).shards()) {
      if (shard.split() == split) {
        String all =
            new String(
                Files.readAllBytes(out.resolve(shard.tokensFile())), StandardCharsets.UTF_16LE);
        documents.addAll(List.of(all.split("\0")));
      }
    }
    return documents;
  }

  @Test
  void everyDocumentIsOnOneSideOfTheSplit() throws IOException {
    Path corpus = corpus();
    Path out = folder.resolve("out");
    TokenManifest manifest = run(corpus, out, 2);
    List<String> train = documents(out, Split.TRAIN);
    List<String> held = documents(out, Split.VALIDATION);
    assertThat(train).hasSize((int) manifest.documents(Split.TRAIN));
    assertThat(held).hasSize((int) manifest.documents(Split.VALIDATION)).hasSizeBetween(3, 25);
    List<String> all = new ArrayList<>(train);
    all.addAll(held);
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      expected.add(Files.readString(corpus.resolve("%03d.txt".formatted(i))));
    }
    assertThat(all).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(manifest.bytes(Split.TRAIN) + manifest.documents(Split.TRAIN))
        .isEqualTo(manifest.tokens(Split.TRAIN));
    assertThat(manifest.skips().first())
        .extracting(Skips.Skip::toString)
        .containsExactly("empty.txt: empty", "zero.bin: binary file");
    assertThat(TokenManifest.read(out).skips().counts())
        .isEqualTo(Map.of(SkipReason.EMPTY, 1L, SkipReason.BINARY, 1L));
  }

  @Test
  void theEndOfALongFileIsHeldOut() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int line = 0; lines.length() < 2.5 * TextFiles.PIECE; line++) {
      lines.append("line ").append(line).append('\n');
    }
    String text = lines.toString();
    Path file = Files.writeString(folder.resolve("long.txt"), text);
    for (double fraction : new double[] {0.1, 0.45}) { // In the last of three pieces, and before.
      Path out = folder.resolve("out" + fraction);
      TextFiles source = new TextFiles(FileListing.of(file), TextFiles.PIECE);
      Preparation.Settings settings =
          new Preparation.Settings("byte", SplitRule.TAILS, fraction, 5);
      Preparation preparation = new Preparation(source, new ByteTokenizer(), new byte[0], settings);
      assertThat(preparation.run(out, 2, _ -> {}, () -> false)).isPresent();
      String train = String.join("", documents(out, Split.TRAIN));
      String held = String.join("", documents(out, Split.VALIDATION));
      assertThat(held.length()).isCloseTo((int) (fraction * text.length()), within(100));
      assertThat(train.length()).isEqualTo(text.length() - held.length());
      assertThat(text.startsWith(train) && text.endsWith(held)).isTrue();
    }
  }

  @Test
  void theNumberOfThreadsChangesNothing() throws IOException {
    Path corpus = corpus();
    run(corpus, folder.resolve("one"), 1);
    run(corpus, folder.resolve("seven"), 7);
    assertSame(folder.resolve("one"), folder.resolve("seven"));
    assertThat(TokenManifest.read(folder.resolve("one")).shards()).hasSizeGreaterThan(20);
  }

  @Test
  void leavesNothingOfDataWithoutADocumentBehind() throws IOException {
    Path nothing = Files.createDirectory(folder.resolve("nothing"));
    Files.write(nothing.resolve("empty.txt"), new byte[0]);
    Files.write(nothing.resolve("zero.bin"), new byte[3]);
    Path out = folder.resolve("out");
    assertThatThrownBy(() -> run(nothing, out, 2)).hasMessageContaining("holds no document");
    Path corpus = corpus();
    run(corpus, out, 2);
    run(corpus, folder.resolve("other"), 2);
    assertSame(out, folder.resolve("other"));
  }

  @Test
  void goesOnWhereItWasStopped() throws IOException {
    Path corpus = corpus();
    run(corpus, folder.resolve("whole"), 1);
    Path out = folder.resolve("out");
    AtomicInteger asked = new AtomicInteger();
    Optional<TokenManifest> stopped =
        preparation(corpus).run(out, 2, _ -> {}, () -> asked.incrementAndGet() > 30);
    assertThat(stopped).isEmpty();
    assertThat(out.resolve(TokenManifest.FILE)).doesNotExist();
    List<Path> kept;
    try (Stream<Path> files = Files.list(out)) {
      kept = files.filter(file -> file.toString().endsWith(".tokens")).toList();
    }
    assertThat(kept).isNotEmpty();
    // One that was kept is damaged, and an unfinished one is left over.
    Files.write(kept.getFirst(), new byte[] {1, 2, 3, 4});
    Files.write(out.resolve(".train-00050.tokens.tmp"), new byte[100]);
    run(corpus, out, 2);
    assertSame(folder.resolve("whole"), out);
  }

  @Test
  void goesOnAfterTheProcessWasKilled() throws Exception {
    Path corpus = corpus(folder.resolve("corpus"), 400);
    run(corpus, folder.resolve("whole"), 2);
    Path out = folder.resolve("out");
    Random random = new Random(11);
    for (int round = 0; round < 3; round++) {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx64m",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  PreparingProcess.class.getName(),
                  corpus.toString(),
                  out.toString())
              .redirectErrorStream(true)
              .start();
      int parts = 10 + random.nextInt(30);
      for (int i = 0; i < parts; i++) {
        assertThat(process.inputReader().readLine()).isNotNull();
      }
      process.destroyForcibly();
      assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
      assertThat(out.resolve(TokenManifest.FILE)).doesNotExist();
    }
    run(corpus, out, 2);
    assertSame(folder.resolve("whole"), out);
  }

  /** Killed after its first file, it must find that file to be its own. */
  @Test
  @EnabledOnOs(OS.LINUX) // Elsewhere a folder's watch does not tell in which order files came.
  void saysWhatIsPreparedBeforeItWritesAnythingElse() throws Exception {
    Path out = Files.createDirectory(folder.resolve("out"));
    TextFiles source = new TextFiles(FileListing.of(corpus()), 2000);
    Preparation preparation =
        new Preparation(source, new ByteTokenizer(), new byte[] {'{', '}'}, SETTINGS);
    try (WatchService watch = out.getFileSystem().newWatchService()) {
      out.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
      assertThat(preparation.run(out, 1, _ -> {}, () -> true)).isEmpty();
      List<String> names = new ArrayList<>();
      while (!names.contains("tokenizer.json") || !names.contains("preparing.json")) {
        WatchKey key = watch.poll(10, TimeUnit.SECONDS);
        assertThat(key).as("files after %s", names).isNotNull();
        key.pollEvents().forEach(event -> names.add(String.valueOf(event.context())));
        key.reset();
      }
      names.removeIf(name -> name.startsWith("."));
      assertThat(names).containsExactly("preparing.json", "tokenizer.json");
    }
  }

  @Test
  void doesNotMixDataOrSettings() throws IOException {
    Path corpus = corpus();
    Path out = folder.resolve("out");
    TokenManifest first = run(corpus, out, 2);
    assertThat(run(corpus, out, 2).identity()).isEqualTo(first.identity());
    TextFiles source = new TextFiles(FileListing.of(corpus), 2000);
    Preparation other =
        new Preparation(
            source,
            new ByteTokenizer(),
            new byte[0],
            new Preparation.Settings("byte", SplitRule.DOCUMENTS, 0.2, 6));
    assertThatThrownBy(() -> other.run(out, 1, _ -> {}, () -> false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(out + ": holds tokens of other data or settings; name another folder");
    Path unfinished = folder.resolve("unfinished");
    assertThat(preparation(corpus).run(unfinished, 1, _ -> {}, () -> true)).isEmpty();
    assertThatThrownBy(() -> other.run(unfinished, 1, _ -> {}, () -> false))
        .hasMessageContaining("unfinished preparation of other data or settings");
    assertThatThrownBy(() -> other.run(corpus, 1, _ -> {}, () -> false))
        .hasMessageContaining("holds files of another kind");
  }

  @Test
  void saysWhyThereIsNoDocument() throws IOException {
    Path corpus = Files.createDirectory(folder.resolve("corpus"));
    Files.write(corpus.resolve("a.bin"), new byte[3]);
    assertThatThrownBy(() -> run(corpus, folder.resolve("out"), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the data holds no document: 1 skipped; the first: a.bin: binary file");
  }

  /** Not to be taken for a preparation that was stopped, whose folder waits for the rest. */
  @Test
  void aSourceWithoutPartsIsRefused() {
    assertThatThrownBy(() -> new Preparation(List::of, new ByteTokenizer(), new byte[0], SETTINGS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the data holds no document: there is nothing to read");
  }

  @Test
  void aSourceThatFailsEndsThePreparation() {
    DocumentSource failing =
        () ->
            List.of(
                new DocumentSource.Part() {
                  @Override
                  public String identity() {
                    return "failing";
                  }

                  @Override
                  public long bytes() {
                    return 1;
                  }

                  @Override
                  public void read(DocumentSink sink) throws IOException {
                    throw new IOException("No space left on device");
                  }
                });
    Preparation preparation = new Preparation(failing, new ByteTokenizer(), new byte[0], SETTINGS);
    assertThatThrownBy(() -> preparation.run(folder.resolve("out"), 2, _ -> {}, () -> false))
        .isInstanceOf(IOException.class)
        .hasMessage("No space left on device");
  }
}
