package org.freetransformer.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TextFilesTest {

  @TempDir private Path folder;

  private Path write(String name, byte[] content) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.write(file, content);
  }

  @Test
  void takesAFolderInTheOrderOfPathsAndLeavesHiddenFilesOut() throws IOException {
    write("b/two.txt", "zwei".getBytes(UTF_8));
    write("a.txt", "eins".getBytes(UTF_8));
    write(".git/config", "hidden".getBytes(UTF_8));
    write("b/.hidden", "hidden".getBytes(UTF_8));
    Collected all = Collected.of(TextFiles.of(folder.toString()));
    assertThat(all.documents)
        .containsExactly(
            new Document("a.txt", "eins"),
            new Document(Path.of("b", "two.txt").toString(), "zwei"));
    assertThat(all.skips.total()).isZero();
  }

  @Test
  void saysWhyAFileIsSkipped() throws IOException {
    write("binary", new byte[] {'a', 0, 'b'});
    write("latin1", new byte[] {'a', (byte) 0xE9, 'b'});
    Path gone = write("unreadable", new byte[] {'a'});
    TextFiles source = TextFiles.of(folder.toString());
    Files.delete(gone);
    Files.createDirectory(gone);
    assertThat(Collected.of(source).reasons())
        .containsExactly(
            "binary: binary file",
            "latin1: invalid UTF-8",
            "unreadable: cannot be read (IOException)");
  }

  @Test
  void followsLinksButNotInCircles() throws IOException {
    write("disk/part/b.txt", "zwei".getBytes(UTF_8));
    Path corpus = Files.createDirectory(folder.resolve("corpus"));
    Files.writeString(corpus.resolve("a.txt"), "eins");
    Files.createSymbolicLink(corpus.resolve("part"), folder.resolve("disk/part"));
    Files.createSymbolicLink(corpus.resolve("again"), corpus);
    Files.createSymbolicLink(corpus.resolve("gone.txt"), folder.resolve("no such file"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), corpus);
    for (Path root : List.of(corpus, link)) {
      Collected all = Collected.of(TextFiles.of(root.toString()));
      assertThat(all.documents)
          .containsExactly(
              new Document("a.txt", "eins"),
              new Document(Path.of("part", "b.txt").toString(), "zwei"));
      assertThat(all.reasons())
          .containsExactly(
              "again: cannot be read (a link to a folder that it is in)",
              "gone.txt: cannot be read (a link to nothing)");
    }
  }

  @Test
  void aFolderThatMayNotBeEnteredIsSkipped() throws IOException {
    write("a.txt", "eins".getBytes(UTF_8));
    Path locked = folder.resolve("lost+found");
    write("lost+found/b.txt", "zwei".getBytes(UTF_8));
    Set<PosixFilePermission> usual = Files.getPosixFilePermissions(locked);
    Files.setPosixFilePermissions(locked, Set.of());
    try {
      assumeThat(Files.isReadable(locked)).as("root may read everywhere").isFalse();
      Collected all = Collected.of(TextFiles.of(folder.toString()));
      assertThat(all.documents).containsExactly(new Document("a.txt", "eins"));
      assertThat(all.reasons()).containsExactly("lost+found: cannot be read (no permission)");
      assertThatThrownBy(() -> TextFiles.of(locked.toString()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(locked + " cannot be read")
          .hasMessageContaining("(no permission)");
    } finally {
      Files.setPosixFilePermissions(locked, usual);
    }
  }

  @Test
  void aFileThatWasCutShortSinceItWasListedIsSkipped() throws IOException {
    Path file = write("log.txt", "line\n".repeat(TextFiles.PIECE / 4).getBytes(UTF_8));
    TextFiles source = TextFiles.of(file.toString());
    Files.writeString(file, "new");
    Collected all = Collected.of(source);
    assertThat(all.documents).isEmpty();
    assertThat(all.reasons()).isNotEmpty().containsOnly(file + ": cannot be read (EOFException)");
  }

  @Test
  void cutsALongFileAtEndsOfLines() throws IOException {
    StringBuilder text = new StringBuilder();
    Random random = new Random(1);
    while (text.length() < 3 * TextFiles.PIECE) {
      text.append("é".repeat(random.nextInt(200))).append('\n');
    }
    Path file = write("long.txt", text.toString().getBytes(UTF_8));
    Collected all = Collected.of(TextFiles.of(file.toString()));
    assertThat(all.documents).hasSizeGreaterThan(3);
    assertThat(all.documents).allMatch(document -> document.text().endsWith("\n"));
    assertThat(all.joined()).isEqualTo(text.toString());
  }

  @Test
  void cutsAFileWithoutLinesBetweenCharacters() throws IOException {
    String text = "a" + "🌳".repeat(TextFiles.PIECE / 2);
    Path file = write("long.txt", text.getBytes(UTF_8));
    Collected all = Collected.of(TextFiles.of(file.toString()));
    assertThat(all.documents).hasSizeGreaterThan(1);
    assertThat(all.skips.total()).isZero();
    assertThat(all.joined()).isEqualTo(text);
  }

  @Test
  void readsArchivesAndSaysWhatIsNoText() throws IOException {
    Path archive = folder.resolve("src.zip");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive))) {
      for (String name : List.of("m/B.java", "m/A.java", "m/picture.gif", "huge.txt")) {
        zip.putNextEntry(new ZipEntry(name));
        byte[] content = name.equals("huge.txt") ? new byte[Document.MAX_BYTES + 1] : new byte[1];
        content[0] = (byte) (name.endsWith(".gif") ? 0 : 'x');
        zip.write(content);
      }
    }
    Collected all = Collected.of(new SourceArchive(archive));
    assertThat(all.documents)
        .containsExactly(new Document("m/A.java", "x"), new Document("m/B.java", "x"));
    assertThat(all.reasons()).containsExactly("huge.txt: too large", "m/picture.gif: binary file");
  }

  @Test
  void readsTheSourceOfTheRunningJdkOrSaysWhereToGetIt() {
    assertThatThrownBy(() -> SourceArchive.ofJdk(folder))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(folder.resolve("lib/src.zip").toString())
        .hasMessageContaining("openjdk-25-source");
    assertThatThrownBy(() -> new SourceArchive(write("no.zip", new byte[9])).parts())
        .hasMessageContaining("no.zip: is not a zip archive");
  }

  @Test
  void anArchiveThatIsDamagedInsideLosesOnlyWhatIsDamaged() throws IOException {
    Path archive = folder.resolve("src.zip");
    byte[] noise = new byte[4000];
    new Random(3).nextBytes(noise);
    String text = java.util.HexFormat.of().formatHex(noise);
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive))) {
      for (String name : List.of("a", "b", "c")) {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(text.getBytes(UTF_8));
      }
    }
    byte[] bytes = Files.readAllBytes(archive);
    for (int i = bytes.length / 2 - 200; i < bytes.length / 2; i++) {
      bytes[i] ^= 0x5A;
    }
    Files.write(archive, bytes);
    Collected all = Collected.of(new SourceArchive(archive));
    assertThat(all.documents).contains(new Document("a", text), new Document("c", text));
    assertThat(all.reasons()).singleElement().asString().startsWith("b: damaged file");
  }

  @Test
  void anEntryThatBreaksOffIsSkipped() throws IOException {
    Path archive = archive("a", "b");
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(archive)).order(ByteOrder.LITTLE_ENDIAN);
    int content = 30 + bytes.getShort(26) + bytes.getShort(28); // Behind the first entry's header.
    // The last block, stored, claims 65,535 bytes.
    bytes.position(content).put((byte) 1).putShort((short) 0xFFFF).putShort((short) 0);
    Files.write(archive, bytes.array());
    Collected all = Collected.of(new SourceArchive(archive));
    assertThat(all.documents).containsExactly(new Document("b", "text of b"));
    assertThat(all.reasons())
        .containsExactly("a: damaged file (Unexpected end of ZLIB input stream)");
  }

  @Test
  void anArchiveThatIsGoneIsSkipped() throws IOException {
    Path archive = archive("a");
    List<DocumentSource.Part> parts = new SourceArchive(archive).parts();
    Files.delete(archive);
    Collected all = Collected.of(() -> parts);
    assertThat(all.documents).isEmpty();
    assertThat(all.reasons()).containsExactly(archive + ": cannot be read (NoSuchFileException)");
  }

  @Test
  void anArchiveWithoutFilesIsNamed() throws IOException {
    Path archive = archive("folder/");
    assertThatThrownBy(() -> new SourceArchive(archive).parts())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(archive + ": holds no files");
  }

  @Test
  void anEntryThatIsGoneIsSkipped() throws IOException {
    List<DocumentSource.Part> parts = new SourceArchive(archive("a", "b")).parts();
    Path archive = archive("b");
    Collected all = Collected.of(() -> parts);
    assertThat(all.documents).containsExactly(new Document("b", "text of b"));
    assertThat(all.reasons()).containsExactly("a: cannot be read (no longer in " + archive + ")");
  }

  private Path archive(String... names) throws IOException {
    Path archive = folder.resolve("texts.zip");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive))) {
      for (String name : names) {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(("text of " + name).getBytes(UTF_8));
      }
    }
    return archive;
  }
}
