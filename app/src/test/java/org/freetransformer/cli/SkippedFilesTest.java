package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.freetransformer.data.Document;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code data prepare} makes no tokens of: every reason of the documents' table, counted. */
class SkippedFilesTest {
  private static final Path PAGE = Path.of("../docs/training/data.md");
  private static final Pattern REASONS = Pattern.compile("(?ms)^\\| reason \\|.*?(?=^$)");
  private static final Pattern REASON = Pattern.compile("(?m)^\\| `([a-z0-9-]+)` \\|");

  @TempDir private Path folder;

  private Path write(String name, String... lines) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, String.join("\n", lines), StandardCharsets.ISO_8859_1);
  }

  @Test
  void everyFileIsADocumentOrASkip() throws IOException {
    write("texts/a.txt", "To be, or not to be.");
    write("texts/b/c.json", "{\"text\": \"among texts\"}");
    write("texts/binary", "a\0b");
    write("texts/latin1.txt", "na\u00efve");
    write("texts/empty.txt", " \n");
    write("texts/.hidden", "not counted");
    Files.createSymbolicLink(folder.resolve("texts/gone.txt"), folder.resolve("nothing"));
    String text = "{\"text\": \"%s\"}";
    write(
        "tables/train.jsonl",
        text.formatted("one"),
        "damaged",
        "{\"body\": 1}",
        text.formatted("two"),
        text.formatted("x".repeat(Document.MAX_BYTES + 1)));
    write("tables/validation.jsonl", text.formatted("three"));
    write("tables/test.jsonl", text.formatted("four"));
    write("tables/train.parquet", "PAR1 is all it has");
    write("tables/notes.txt", "no table");
    write("tables/README.md", "not counted");
    Map<String, Integer> wanted =
        Map.of(
            "binary", 1,
            "invalid-utf8", 1,
            "empty", 1,
            "unreadable", 1,
            "too-large", 1,
            "damaged-line", 1,
            "no-text", 1,
            "damaged-file", 1,
            "not-used", 2);
    assertThat(wanted).containsOnlyKeys(reasonsOfThePage());

    JsonNode made =
        ft(
                "data",
                "prepare",
                "--in",
                folder.resolve("texts"),
                folder.resolve("tables"),
                "--out",
                folder.resolve("tokens"),
                "--quiet",
                "--json")
            .json();
    Map<String, Integer> found = new TreeMap<>();
    made.path("skipped").properties().forEach(e -> found.put(e.getKey(), e.getValue().asInt()));
    assertThat(found)
        .as(made.path("skipped_first").toString())
        .containsExactlyInAnyOrderEntriesOf(wanted);
    int documents = made.at("/train/documents").asInt() + made.at("/validation/documents").asInt();
    assertThat(documents).isEqualTo(5);
  }

  private static List<String> reasonsOfThePage() throws IOException {
    String table =
        REASONS
            .matcher(Files.readString(PAGE))
            .results()
            .map(MatchResult::group)
            .findFirst()
            .orElseThrow(() -> new AssertionError(PAGE + " has no table of reasons"));
    return REASON.matcher(table).results().map(found -> found.group(1)).toList();
  }
}
