package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.config.ConfigException;

/** Documents in the rows of a table. */
final class ParquetFormat implements Format {
  private final Path file;

  ParquetFormat(Path folder) {
    file = folder.resolve("table.parquet");
  }

  @Override
  public List<byte[]> seeds() throws IOException {
    List<byte[]> seeds = new ArrayList<>();
    for (String compression : List.of("plain", "indexed", "snappy", "gzip", "zstd")) {
      seeds.add(Resources.of("/org/freetransformer/corpus/" + compression + ".parquet"));
    }
    return seeds;
  }

  @Override
  public List<String> words() {
    return List.of("PAR1", "text", "\0\0\0\0", "\u007f\u007f\u007f\u007f");
  }

  @Override
  public void read(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    Documents.readAll(file);
  }

  @Override
  public boolean isRefusal(Throwable problem) {
    return problem instanceof ConfigException;
  }

  /** The library makes arrays for whole batches of some 400,000 rows, however few there are. */
  @Override
  public long mostBytes() {
    return 1 << 30;
  }
}
