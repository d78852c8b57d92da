package org.freetransformer.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A short campaign for each format; docs/checkpoints.md has the counts of long ones. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Jazzer's lists of classes have ; there")
final class FuzzingTest {
  private static final int RUNS = 2000;

  @TempDir private static Path folder;

  private static final ExecutorService TWO_AT_A_TIME = Executors.newFixedThreadPool(2);
  private static final Map<FuzzedFormat, Future<Campaign.Outcome>> OUTCOMES =
      new EnumMap<>(FuzzedFormat.class);

  @BeforeAll
  static void begin() {
    for (FuzzedFormat format : FuzzedFormat.values()) {
      Campaign campaign = new Campaign(format, folder.resolve(format.toString()), RUNS, 1);
      OUTCOMES.put(format, TWO_AT_A_TIME.submit(campaign::run));
    }
  }

  @AfterAll
  static void end() {
    TWO_AT_A_TIME.shutdownNow();
  }

  @ParameterizedTest
  @EnumSource
  void everySpoiltFileIsReadOrRefused(FuzzedFormat format) throws Exception {
    Campaign.Outcome outcome = Objects.requireNonNull(OUTCOMES.get(format)).get();
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    assertThat(outcome.summary())
        .startsWith(RUNS + " files in ")
        .as("whole files are read")
        .doesNotContain(": 0 read");
  }
}
