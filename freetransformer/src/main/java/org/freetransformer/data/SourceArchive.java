package org.freetransformer.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * The text files in a zip archive, each a document, such as {@code lib/src.zip} of a JDK: real text
 * that is present on every machine. Entries are taken in the order of their names.
 */
public final class SourceArchive implements DocumentSource {

  private static final long PART = 16 << 20;

  /** Entries that are read at most: a listing of more would not fit in memory. */
  private static final int MAX_ENTRIES = 4_000_000;

  private final Path archive;

  /** The archive in a file. */
  public SourceArchive(Path archive) {
    this.archive = archive;
  }

  /**
   * The source of the JDK that runs this program.
   *
   * @throws IllegalArgumentException if it came without, saying where to get it
   */
  public static SourceArchive ofRunningJdk() {
    return ofJdk(Path.of(System.getProperty("java.home")));
  }

  static SourceArchive ofJdk(Path home) {
    Path archive = home.resolve("lib").resolve("src.zip");
    if (!Files.isReadable(archive)) {
      throw new IllegalArgumentException(
          "dataset_name: jdk-source needs %s, which this JDK came without; install its sources (Debian: openjdk-25-source), or run on a JDK that has them, with FT_JAVA_HOME"
              .formatted(archive));
    }
    return new SourceArchive(archive);
  }

  @Override
  public List<DocumentSource.Part> parts() {
    List<String> names = new ArrayList<>();
    List<DocumentSource.Part> parts = new ArrayList<>();
    long bytes = 0;
    CRC32 sums = new CRC32();
    for (ZipEntry entry : entries()) {
      long size = Math.max(0, entry.getSize());
      if (!names.isEmpty() && bytes + size > PART) {
        parts.add(new Part(archive, List.copyOf(names), bytes, sums.getValue()));
        names.clear();
        bytes = 0;
        sums.reset();
      }
      names.add(entry.getName());
      bytes += size;
      String sum = entry.getName() + ' ' + entry.getCrc() + ' ' + size;
      sums.update(sum.getBytes(StandardCharsets.UTF_8));
    }
    if (names.isEmpty()) {
      throw new IllegalArgumentException(archive + ": holds no files");
    }
    parts.add(new Part(archive, List.copyOf(names), bytes, sums.getValue()));
    return parts;
  }

  private List<? extends ZipEntry> entries() {
    try (ZipFile zip = new ZipFile(archive.toFile())) {
      if (zip.size() > MAX_ENTRIES) {
        throw new IllegalArgumentException(
            "%s: holds %d files; allowed are up to %d".formatted(archive, zip.size(), MAX_ENTRIES));
      }
      return zip.stream()
          .filter(entry -> !entry.isDirectory())
          .sorted(Comparator.comparing(ZipEntry::getName))
          .toList();
    } catch (IOException damaged) {
      throw new IllegalArgumentException(
          "%s: is not a zip archive that can be read (%s)".formatted(archive, damaged.getMessage()),
          damaged);
    }
  }

  /** What {@code sums} adds up are names, sizes and the archive's own checksums of the entries. */
  private record Part(Path archive, List<String> names, long bytes, long sums)
      implements DocumentSource.Part {
    @Override
    public String identity() {
      return "%s: %d entries from %s, %d bytes, %x"
          .formatted(archive.getFileName(), names.size(), names.getFirst(), bytes, sums);
    }

    @Override
    public void read(DocumentSink sink) throws IOException {
      ZipFile opened;
      try {
        opened = new ZipFile(archive.toFile());
      } catch (IOException gone) {
        sink.skip(SkipReason.UNREADABLE, archive.toString(), gone.getClass().getSimpleName());
        return;
      }
      try (ZipFile zip = opened) {
        for (String name : names) {
          ZipEntry entry = zip.getEntry(name);
          if (entry == null) { // Another archive has this one's place since it was listed.
            sink.skip(SkipReason.UNREADABLE, name, "no longer in " + archive);
          } else {
            read(zip, entry, sink);
          }
        }
      }
    }

    private static void read(ZipFile zip, ZipEntry entry, DocumentSink sink) throws IOException {
      byte[] bytes;
      try (InputStream content = zip.getInputStream(entry)) {
        // Whatever size the archive claims, no more than this is unpacked.
        bytes = content.readNBytes(Document.MAX_BYTES + 1);
      } catch (IOException damaged) {
        sink.skip(SkipReason.DAMAGED_FILE, entry.getName(), String.valueOf(damaged.getMessage()));
        return;
      }
      if (bytes.length > Document.MAX_BYTES) {
        sink.skip(SkipReason.TOO_LARGE, entry.getName(), "");
      } else {
        TextBytes.document(entry.getName(), bytes, sink);
      }
    }
  }
}
