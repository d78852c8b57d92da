package org.freetransformer.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.freetransformer.config.ConfigException;
import org.freetransformer.corpus.DataFiles;
import org.freetransformer.data.Batch;
import org.freetransformer.data.ByteTokenizer;
import org.freetransformer.data.Document;
import org.freetransformer.data.DocumentSink;
import org.freetransformer.data.DocumentSource;
import org.freetransformer.data.Preparation;
import org.freetransformer.data.PreparedTokens;
import org.freetransformer.data.SkipReason;
import org.freetransformer.data.Split;
import org.freetransformer.data.SplitRule;
import org.freetransformer.data.TextFiles;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.data.TokenizerFormat;
import org.freetransformer.tokenizers.BytePairTrainer;
import org.freetransformer.tokenizers.TokenizerJson;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Spoilt data: documents, or a reason why there are none; tokens and tokenizers, or one error. */
@Timeout(value = 120, unit = java.util.concurrent.TimeUnit.MINUTES) // Against a reader that hangs.
final class DataFilesFuzzTest {
  private static final List<String> JSON_WORDS =
      List.of(
          "null",
          "true",
          "-1",
          "1e999",
          "9223372036854775808",
          "\"",
          "\\u0000",
          "\\ud800",
          "{",
          "}",
          "[",
          "]",
          ",",
          ":",
          "\n",
          "{\"text\":",
          "\"text\":",
          "[[[[",
          "\"id\":0",
          "\"vocab\":{}",
          "\"merges\":[]",
          "\"type\":\"Unigram\"",
          "\"type\":\"WordPiece\"",
          "\"normalizer\":{\"type\":\"NFC\"},",
          "\"split\":\"train\"",
          "\"tokens\":1099511627776",
          "\"documents\":0",
          "../../manifest");

  @TempDir private Path folder;

  /** Takes everything and keeps nothing, and knows whether there was anything. */
  private static final class Sink implements DocumentSink {
    private long characters;
    private long skipped;

    @Override
    public void document(Document document) {
      assertThat(document.text().length()).isLessThanOrEqualTo(Document.MAX_BYTES);
      characters += document.text().length();
    }

    @Override
    public void skip(SkipReason reason, String place, String detail) {
      assertThat(place + detail).doesNotContain("\n");
      skipped++;
    }
  }

  private static void readAll(Path file) throws IOException {
    Sink sink = new Sink();
    for (DocumentSource.Part part : DataFiles.of(List.of(file), "text").parts()) {
      part.read(sink);
    }
    assertThat(sink.characters + sink.skipped).isNotNegative();
  }

  @Test
  void jsonLines() {
    String lines =
        """
        {"text": "one \\u00e9 two", "id": 1}
        {"id": {"text": [1, 2, {"text": "inner"}]}, "text": "three\\n"}
        {"text": null}
        """;
    Path file = folder.resolve("lines.jsonl");
    Fuzzing.run(
        "jsonl",
        Fuzzing.mutations(List.of(lines.getBytes(StandardCharsets.UTF_8)), JSON_WORDS),
        bytes -> {
          Files.write(file, bytes);
          readAll(file);
        },
        problem -> false);
  }

  @Test
  void parquet() throws IOException {
    List<byte[]> files = new ArrayList<>();
    for (String name : List.of("plain.parquet", "snappy.parquet", "gzip.parquet", "zstd.parquet")) {
      try (InputStream in = DataFiles.class.getResourceAsStream(name)) {
        files.add(Objects.requireNonNull(in, name).readAllBytes());
      }
    }
    Path file = folder.resolve("table.parquet");
    Fuzzing.run(
        "parquet",
        Fuzzing.mutations(files, List.of("PAR1", "text", "\0\0\0\0", "\u007f\u007f\u007f\u007f")),
        bytes -> {
          Files.write(file, bytes);
          readAll(file);
        },
        problem -> problem instanceof ConfigException);
  }

  @Test
  void tokenizers() {
    BytePairTrainer trainer = new BytePairTrainer();
    Map<String, Long> counts = new HashMap<>();
    BytePairTrainer.count("low lower lowest, the lowest of the low", counts);
    trainer.add(counts);
    byte[] json =
        TokenizerJson.of(trainer.train(270))
            .replaceAll("\\s+", " ")
            .getBytes(StandardCharsets.UTF_8);
    Path file = folder.resolve("tokenizer.json");
    Fuzzing.run(
        "tokenizer.json",
        Fuzzing.mutations(List.of(json), JSON_WORDS),
        bytes -> {
          Files.write(file, bytes);
          Tokenizer tokenizer = TokenizerFormat.byName(file.toString());
          for (int token : tokenizer.encode("the lowest λ 😀\n")) {
            tokenizer.byteLength(token);
            tokenizer.decode(token);
          }
        },
        problem -> problem instanceof IllegalArgumentException);
  }

  @Test
  void preparedTokens() throws IOException {
    Path corpus = Files.createDirectory(folder.resolve("corpus"));
    for (int i = 0; i < 12; i++) {
      Files.writeString(corpus.resolve(i + ".txt"), "Text number %d. ".formatted(i).repeat(i + 1));
    }
    Path tokens = folder.resolve("tokens");
    new Preparation(
            TextFiles.of(corpus.toString()),
            new ByteTokenizer(),
            new byte[0],
            new Preparation.Settings("byte", SplitRule.TAILS, 0.3, 1))
        .run(tokens, 1, _ -> {}, () -> false);
    for (String name : List.of("manifest.json", "train-00000.tokens", "train-00000.ends")) {
      Path file = tokens.resolve(name);
      byte[] good = Files.readAllBytes(file);
      String manifest = Files.readString(tokens.resolve("manifest.json"));
      Fuzzing.run(
          name,
          Fuzzing.mutations(List.of(good), JSON_WORDS),
          bytes -> {
            Files.write(file, bytes);
            if (!name.equals("manifest.json")) {
              // As if it had been written so: a checksum does not keep out who means harm.
              Files.writeString(
                  tokens.resolve("manifest.json"),
                  manifest.replace(Long.toString(sum(good)), Long.toString(sum(bytes))));
            }
            readExamples(tokens);
          },
          problem -> problem instanceof IllegalArgumentException);
      Files.write(file, good);
      Files.writeString(tokens.resolve("manifest.json"), manifest);
    }
    readExamples(tokens);
  }

  private static long sum(byte[] bytes) {
    CRC32C sum = new CRC32C();
    sum.update(bytes);
    return sum.getValue();
  }

  private static void readExamples(Path tokens) {
    for (boolean cross : new boolean[] {true, false}) {
      try (PreparedTokens data = new PreparedTokens(tokens, 7, cross)) {
        int[] inputs = new int[7];
        int[] targets = new int[7];
        for (Split split : Split.values()) {
          for (long i = 0; i < data.size(split); i++) {
            data.read(split, i, inputs, targets, 0);
            for (int target : targets) {
              assertThat(target == Batch.IGNORE || (target >= 0 && target < data.vocabSize()))
                  .isTrue();
            }
          }
        }
      }
    }
  }
}
