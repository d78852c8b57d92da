package org.freetransformer.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.freetransformer.run.FileTree;
import org.freetransformer.run.OwnJvm;

/**
 * Runs Jazzer in a JVM of its own: it changes files so that they reach code that no file reached
 * before, and stops at the first that is not read or refused as it must be.
 *
 * @param format what is fuzzed
 * @param folder where seeds, the files that reached new code, findings and the log lie; the next
 *     campaign goes on from them
 * @param runs files to read, those that lie there included
 * @param seed of Jazzer's random numbers
 * @param mostSeconds that a file may take
 */
record Campaign(FuzzedFormat format, Path folder, long runs, int seed, int mostSeconds) {
  /** Begins the line in which the target tells its counts. */
  static final String SUMMARY = "fuzz: ";

  private static final int MOST_HEAP_MIB = 512;
  private static final int MOST_RESIDENT_MIB = 1536;
  private static final int LEAST_RUNS_TO_OPTIMIZE = 20_000;
  private static final int LEAST_LENGTH_LIMIT = 16 << 10;

  /** Code whose branches guide Jazzer: the readers, and the libraries in Java that they use. */
  private static final String INSTRUMENTED =
      Stream.of("checkpoint", "config", "corpus", "data", "model", "run", "tokenizers", "train")
              .map("org.freetransformer.%s.**"::formatted)
              .collect(Collectors.joining(":"))
          + ":com.fasterxml.jackson.**:org.snakeyaml.**:dev.hardwood.**";

  /** Code that must not run what a file names, nor open a path of its own. */
  private static final String WATCHED =
      INSTRUMENTED + ":ai.djl.**:com.google.gson.**:org.xerial.**:com.github.luben.**";

  private static final Pattern DONE =
      Pattern.compile(
          "#\\d+\\s+DONE\\s+cov: (\\d+) .*Done (\\d+) runs in (\\d+) second", Pattern.DOTALL);
  private static final Pattern COUNTS = Pattern.compile("^" + SUMMARY + "(.*)$", Pattern.MULTILINE);

  /**
   * What came of a campaign.
   *
   * @param exitCode 0 if there was no finding
   * @param output everything that Jazzer and the target said
   */
  record Outcome(int exitCode, String output) {
    /** The counts in a line, for a campaign without a finding. */
    String summary() {
      Matcher done = DONE.matcher(output);
      Matcher counts = COUNTS.matcher(output);
      if (!done.find() || !counts.find()) {
        return "stopped before its end";
      }
      return "%s files in %s s, %s branches covered: %s"
          .formatted(done.group(2), done.group(3), done.group(1), counts.group(1));
    }
  }

  /** Runs it to its end. */
  Outcome run() throws IOException, InterruptedException {
    Path work = Files.createTempDirectory("fuzz");
    try {
      Path log = Files.createDirectories(folder).resolve("log");
      Process process =
          new ProcessBuilder(command(work))
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      // Whoever stops the campaign stops Jazzer too.
      Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
      int exitCode = process.waitFor();
      return new Outcome(exitCode, new String(Files.readAllBytes(log), UTF_8));
    } finally {
      FileTree.delete(work);
    }
  }

  private List<String> command(Path work) throws IOException {
    Path seeds = Files.createDirectories(folder.resolve("seeds"));
    Path corpus = Files.createDirectories(folder.resolve("corpus"));
    Path findings = Files.createDirectories(folder.resolve("findings"));
    Path words = folder.resolve("words");
    int longest = writeSeeds(Files.createDirectory(work.resolve("whole")), seeds, words);
    Path files = Files.createDirectory(work.resolve("files"));
    return List.of(
        OwnJvm.java(),
        // The optimizing compiler's work would be lost on a short life.
        "-XX:TieredStopAtLevel=" + (runs < LEAST_RUNS_TO_OPTIMIZE ? 1 : 4),
        "-Xmx%dm".formatted(MOST_HEAP_MIB),
        "-XX:+UseSerialGC",
        "--add-modules=jdk.incubator.vector",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        "-XX:+EnableDynamicAgentLoading", // Jazzer's agent.
        "-cp",
        System.getProperty("java.class.path"),
        "com.code_intelligence.jazzer.Jazzer",
        "--target_class=" + FuzzTarget.class.getName(),
        "--target_args=%s %s".formatted(format, files),
        "--instrumentation_includes=" + INSTRUMENTED,
        "--custom_hook_includes=" + WATCHED,
        "--reproducer_path=" + findings,
        "-artifact_prefix=" + findings + "/",
        "-dict=" + words,
        "-max_len=" + longest,
        "-runs=" + runs,
        "-seed=" + seed,
        "-timeout=" + mostSeconds,
        "-rss_limit_mb=" + MOST_RESIDENT_MIB,
        corpus.toString(),
        seeds.toString());
  }

  /** Writes seeds and dictionary, and gives the most bytes a file may have. */
  private int writeSeeds(Path work, Path seeds, Path words) throws IOException {
    Format whole = format.in(work);
    Files.write(words, whole.words().stream().map(Campaign::quoted).toList());
    int longest = LEAST_LENGTH_LIMIT;
    int number = 0;
    for (byte[] seed : whole.seeds()) {
      Files.write(seeds.resolve("seed-" + number++), seed);
      longest = Math.max(longest, 2 * seed.length);
    }
    return longest;
  }

  /** A word as libFuzzer's dictionaries have it. */
  private static String quoted(String word) {
    return word.chars().mapToObj("\\x%02X"::formatted).collect(Collectors.joining("", "\"", "\""));
  }
}
