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

/** Configurations in YAML. */
final class ConfigFileFormat implements Format {
  private final Path file;

  ConfigFileFormat(Path folder) {
    file = folder.resolve("config.yaml");
  }

  @Override
  public List<byte[]> seeds() throws IOException {
    List<byte[]> seeds = new ArrayList<>();
    try (Stream<Path> presets = Files.list(Path.of("../configs"))) {
      for (Path preset : presets.sorted().toList()) {
        seeds.add(Files.readAllBytes(preset));
      }
    }
    seeds.add("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n".getBytes(StandardCharsets.UTF_8));
    return seeds;
  }

  @Override
  public List<String> words() {
    return List.of(
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
        "9".repeat(60),
        "a: &x [*x]\n",
        "'",
        "#");
  }

  @Override
  public void read(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    RunConfig.read(ConfigFile.read(file), _ -> {});
  }

  @Override
  public boolean isRefusal(Throwable problem) {
    return problem instanceof ConfigException;
  }
}
