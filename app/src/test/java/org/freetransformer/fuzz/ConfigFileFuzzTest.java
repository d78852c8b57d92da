package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.freetransformer.config.ConfigException;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.train.RunConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Spoilt YAML: a configuration, or a {@link ConfigException}. */
@Timeout(value = 30, unit = java.util.concurrent.TimeUnit.MINUTES) // Against a reader that hangs.
final class ConfigFileFuzzTest {
  private static final List<String> WORDS =
      List.of(
          "null",
          "~",
          "true",
          "-1",
          ".inf",
          ".nan",
          "1e999",
          "0x7fffffffffffffff",
          "- ",
          ": ",
          "\n",
          "  ",
          "\t",
          "&a ",
          "*a",
          "<<: *a",
          "!!java.io.File x",
          "!!python/object:os.system",
          "!!binary ",
          "|\n",
          ">-\n",
          "{a: {",
          "[[[[",
          "]",
          "}",
          "? ",
          "---\n",
          "...\n",
          "%YAML 1.2",
          "\"\\u0000\"",
          "model:\n",
          "  latent:\n",
          "9".repeat(400),
          "a: &x [*x]\n",
          "'",
          "#");

  @TempDir private Path folder;

  @Test
  void configurations() throws IOException {
    List<byte[]> files = new ArrayList<>();
    try (Stream<Path> presets = Files.list(Path.of("../configs"))) {
      for (Path preset : presets.sorted().toList()) {
        files.add(Files.readAllBytes(preset));
      }
    }
    files.add("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n".getBytes(StandardCharsets.UTF_8));
    Path file = folder.resolve("config.yaml");
    Fuzzing.run(
        "yaml",
        Fuzzing.mutations(files, WORDS),
        bytes -> {
          Files.write(file, bytes);
          RunConfig.read(ConfigFile.read(file), _ -> {});
        },
        problem -> problem instanceof ConfigException);
  }
}
