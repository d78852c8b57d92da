package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32C;
import org.freetransformer.data.Batch;
import org.freetransformer.data.ByteTokenizer;
import org.freetransformer.data.Preparation;
import org.freetransformer.data.PreparedTokens;
import org.freetransformer.data.Split;
import org.freetransformer.data.SplitRule;
import org.freetransformer.data.TextFiles;

/** One file of prepared tokens: the manifest, a shard, or the ends of a shard's documents. */
final class TokenFilesFormat implements Format {
  static final String MANIFEST = "manifest.json";
  private static final int LENGTH = 7;

  private final Path tokens;
  private final Path file;
  private final byte[] good;
  private final String manifest;

  /**
   * A format of the file of this name.
   *
   * @param folder where documents are prepared
   */
  TokenFilesFormat(Path folder, String name) throws IOException {
    Path corpus = Files.createDirectory(folder.resolve("corpus"));
    for (int i = 0; i < 12; i++) {
      Files.writeString(corpus.resolve(i + ".txt"), "Text number %d. ".formatted(i).repeat(i + 1));
    }
    tokens = folder.resolve("tokens");
    new Preparation(
            TextFiles.of(corpus.toString()),
            new ByteTokenizer(),
            new byte[0],
            new Preparation.Settings("byte", SplitRule.TAILS, 0.3, 1))
        .run(tokens, 1, _ -> {}, () -> false);
    file = tokens.resolve(name);
    good = Files.readAllBytes(file);
    manifest = Files.readString(tokens.resolve(MANIFEST));
  }

  @Override
  public List<byte[]> seeds() {
    return List.of(good);
  }

  @Override
  public List<String> words() {
    return Words.jsonAnd(
        "\"split\":\"train\"",
        "\"tokens\":1099511627776",
        "\"documents\":0",
        "../../manifest",
        "\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f",
        "\0\0\0\0\0\0\0\0");
  }

  @Override
  public void read(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    if (!file.endsWith(MANIFEST)) {
      // As if it had been written so: a checksum does not keep out who means harm.
      Files.writeString(
          tokens.resolve(MANIFEST),
          manifest.replace(Long.toString(sum(good)), Long.toString(sum(bytes))));
    }
    readExamples(false);
    readExamples(true);
  }

  private static long sum(byte[] bytes) {
    CRC32C sum = new CRC32C();
    sum.update(bytes);
    return sum.getValue();
  }

  private void readExamples(boolean cross) {
    try (PreparedTokens data = new PreparedTokens(tokens, LENGTH, cross)) {
      int[] inputs = new int[LENGTH];
      int[] targets = new int[LENGTH];
      for (Split split : Split.values()) {
        for (long i = 0; i < data.size(split); i++) {
          data.read(split, i, inputs, targets, 0);
          for (int target : targets) {
            if (target != Batch.IGNORE && (target < 0 || target >= data.vocabSize())) {
              throw new AssertionError("token " + target + " of " + data.vocabSize());
            }
          }
        }
      }
    }
  }

  @Override
  public boolean isRefusal(Throwable problem) {
    return problem instanceof IllegalArgumentException;
  }
}
