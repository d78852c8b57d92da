package org.freetransformer.corpus;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.freetransformer.data.Document;
import org.freetransformer.data.DocumentSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class JsonLinesTest {
  @TempDir private Path folder;

  private Collected read(String name, byte[] content) throws IOException {
    return Collected.of(source(Files.write(folder.resolve(name), content)));
  }

  private static DocumentSource source(Path file) {
    return new JsonLines(file, "text", Optional.empty());
  }

  @Test
  void saysWhyALineIsSkippedAndWhichItIs() throws IOException {
    String lines =
        """
        {"text": "one", "id": 1}

        {"id": 2, "meta": {"text": "inner"}, "text": "two\\n\\u00e9"}
        {"id": 3, "bo\\ndy": "x"}
        {"text": 4}
        {"text": "five"
        ["text"]
        {"text": "seven"} {"text": "more"}
        {"text": " \\n"}
        {"text": "\u00ff"}
        {"text": "last"}\
        """;
    Path file = folder.resolve("a.jsonl");
    Collected all = read("a.jsonl", lines.getBytes(ISO_8859_1));
    assertThat(all.texts).containsExactly("one", "two\né", "last");
    assertThat(all.reasons())
        .containsExactly(
            file + ":4: no text in the field ('text'; the object has id, bo dy)",
            file + ":5: no text in the field ('text'; the object has text)",
            file + ":6: damaged JSON line (" + detail(all, 2) + ")",
            file + ":7: damaged JSON line (not an object)",
            file + ":8: damaged JSON line (more text after the object)",
            file + ":9: empty",
            file + ":10: invalid UTF-8");
    assertThat(detail(all, 2)).contains("end-of-input");
  }

  private static String detail(Collected all, int index) {
    return all.skips.first().get(index).detail();
  }

  @Test
  void stretchesGiveTheLinesOfTheWholeFile() throws IOException {
    Random random = new Random(1);
    for (int round = 0; round < 20; round++) {
      StringBuilder text = new StringBuilder();
      int lines = random.nextInt(200);
      for (int i = 0; i < lines; i++) {
        text.append(
            random.nextInt(10) == 0
                ? "damaged " + "x".repeat(random.nextInt(100))
                : "{\"text\": \"%d %s\"}".formatted(i, "y".repeat(random.nextInt(60))));
        text.append(i < lines - 1 || random.nextBoolean() ? "\n" : "");
      }
      Path file = Files.writeString(folder.resolve("lines.jsonl"), text);
      Collected whole = Collected.of(source(file));
      JsonLines cut = new JsonLines(file, "text", Optional.empty(), 1 + random.nextInt(400));
      Collected parts = Collected.of(cut);
      assertThat(parts.texts).isEqualTo(whole.texts);
      assertThat(parts.reasons()).as("%d parts", cut.parts().size()).isEqualTo(whole.reasons());
    }
  }

  @Test
  void readsCompressedFilesAsFarAsTheyGo() throws IOException {
    StringBuilder lines = new StringBuilder();
    Random random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      lines.append("{\"text\": \"line %d of %x\"}\n".formatted(i, random.nextLong()));
    }
    byte[] plain = lines.toString().getBytes(UTF_8);
    for (String name : new String[] {"a.jsonl.gz", "a.jsonl.zst", "A.JSONL.GZ", "A.JSONL.ZST"}) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (OutputStream out =
          name.toLowerCase(Locale.ROOT).endsWith(".gz")
              ? new GZIPOutputStream(bytes)
              : new ZstdOutputStream(bytes)) {
        out.write(plain);
      }
      byte[] compressed = bytes.toByteArray();
      Collected whole = read(name, compressed);
      assertThat(whole.texts).hasSize(20_000);
      assertThat(whole.skips.total()).isZero();
      Collected half = read(name, Arrays.copyOf(compressed, compressed.length / 2));
      assertThat(half.texts).isNotEmpty().isEqualTo(whole.texts.subList(0, half.texts.size()));
      assertThat(half.reasons())
          .singleElement()
          .asString()
          .startsWith(folder.resolve(name) + ": damaged file (");
      assertThat(read(name, plain).reasons())
          .singleElement()
          .asString()
          .startsWith(folder.resolve(name) + ": damaged file (");
    }
  }

  @Test
  void aFileThatIsGoneIsSkipped() throws IOException {
    Path file = Files.writeString(folder.resolve("a.jsonl"), "{\"text\": \"a\"}");
    DocumentSource.Part part = source(file).parts().getFirst();
    Files.delete(file);
    Collected all = new Collected();
    part.read(all);
    assertThat(all.texts).isEmpty();
    assertThat(all.reasons()).containsExactly(file + ": cannot be read (NoSuchFileException)");
  }

  /** The file has a hole and takes no room. */
  @Test
  void aLineThatDoesNotEndIsPassedOver() throws IOException {
    Path file = folder.resolve("long.jsonl");
    Files.writeString(file, "{\"text\": \"before\"}\n{\"text\": \"");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.seek(300_000_000);
      sparse.write("\"}\n{\"text\": \"after\"}\n".getBytes(UTF_8));
    }
    Collected all = Collected.of(new JsonLines(file, "text", Optional.empty(), Long.MAX_VALUE / 2));
    assertThat(all.texts).containsExactly("before", "after");
    assertThat(all.reasons())
        .singleElement()
        .asString()
        .startsWith(file + ":2: too large (299,999,9");
  }

  @Test
  void aTextThatIsTooLongIsSkipped() throws IOException {
    String longest = "x".repeat(Document.MAX_BYTES);
    Collected all =
        read(
            "a.jsonl",
            "{\"text\": \"%s\"}\n{\"text\": \"%sx\"}\n"
                .formatted(longest, longest)
                .getBytes(UTF_8));
    assertThat(all.texts).containsExactly(longest);
    assertThat(all.reasons())
        .singleElement()
        .asString()
        .startsWith(folder.resolve("a.jsonl") + ":2: too large (");
  }

  @Test
  void deepNestingIsDamageAndNoStackOverflow() throws IOException {
    Collected all =
        read("a.jsonl", ("{\"a\":" + "[".repeat(1_000_000) + "\n{\"text\":\"b\"}").getBytes(UTF_8));
    assertThat(all.texts).containsExactly("b");
    assertThat(all.skips.total()).isOne();
  }

  @Test
  void aLineThatLooksLikeUtf32IsDamageLikeAnyOther() throws IOException {
    Collected all = read("lines.jsonl", "\0\0\0{\"text\": 1}\n{\"text\": \"x\"}\n".getBytes(UTF_8));
    assertThat(all.texts).containsExactly("x");
    assertThat(all.reasons()).hasSize(1);
  }
}
