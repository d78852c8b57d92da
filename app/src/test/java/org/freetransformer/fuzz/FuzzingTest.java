package org.freetransformer.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.fuzz.FuzzedFormat.JSONL;
import static org.freetransformer.fuzz.FuzzedFormat.PARQUET;
import static org.freetransformer.fuzz.FuzzedFormat.PICKLE;
import static org.freetransformer.fuzz.FuzzedFormat.SAFETENSORS;
import static org.freetransformer.fuzz.FuzzedFormat.TOKENIZER;
import static org.freetransformer.fuzz.FuzzedFormat.TOKEN_SHARD;
import static org.freetransformer.fuzz.FuzzedFormat.YAML;

import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A short campaign for the formats of the most data, and for the others with the slow tests;
 * docs/robustness.md has the counts of long ones.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Jazzer's lists of classes have ; there")
final class FuzzingTest {
  private static final int RUNS = 1000;

  /** For a file, here where other tests share the processors. */
  private static final int MOST_SECONDS = 60;

  @TempDir private static Path folder;

  /** The campaigns, two at a time. */
  private static final ExecutorService CAMPAIGNS = Executors.newFixedThreadPool(2);

  private static final Map<FuzzedFormat, Future<Campaign.Outcome>> OUTCOMES =
      new EnumMap<>(FuzzedFormat.class);

  @BeforeAll
  static void begin() {
    for (FuzzedFormat format :
        List.of(SAFETENSORS, PICKLE, TOKENIZER, TOKEN_SHARD, YAML, JSONL, PARQUET)) {
      OUTCOMES.put(format, CAMPAIGNS.submit(campaign(format)::run));
    }
  }

  private static Campaign campaign(FuzzedFormat format) {
    return new Campaign(format, folder.resolve(format.toString()), RUNS, 1, MOST_SECONDS);
  }

  @AfterAll
  static void end() {
    CAMPAIGNS.shutdownNow();
  }

  @ParameterizedTest
  @EnumSource(
      names = {"SAFETENSORS", "PICKLE", "TOKENIZER", "TOKEN_SHARD", "YAML", "JSONL", "PARQUET"})
  void everySpoiltFileIsReadOrRefused(FuzzedFormat format) throws Exception {
    check(Objects.requireNonNull(OUTCOMES.get(format)).get());
  }

  @Tag("slow")
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"SAFETENSORS", "PICKLE", "TOKENIZER", "TOKEN_SHARD", "YAML", "JSONL", "PARQUET"})
  void everyOtherSpoiltFileIsReadOrRefused(FuzzedFormat format) throws Exception {
    check(campaign(format).run());
  }

  private static void check(Campaign.Outcome outcome) {
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    assertThat(outcome.summary())
        .startsWith(RUNS + " files in ")
        .as("whole files are read")
        .doesNotContain(": 0 read");
  }

  @Test
  void thePageTellsHowManyFilesAreRead() throws IOException {
    assertThat(Path.of("../docs/robustness.md"))
        .content()
        .contains(String.format(Locale.ROOT, "%,d files of each of", RUNS));
  }

  /** So that no campaign is of files that are all refused. */
  @ParameterizedTest
  @EnumSource
  void theFirstSeedIsRead(FuzzedFormat format, @TempDir Path own) throws IOException {
    Format target = format.in(own);
    target.read(target.seeds().getFirst());
  }
}
