package org.freetransformer.tensor.device.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs a class in a JVM with flags of its own. */
public final class ForkedJvm {
  private ForkedJvm() {}

  /** Runs {@code main} with the module of vectors as well. */
  static List<String> run(List<String> flags, Class<?> main, String... arguments) throws Exception {
    List<String> all = new ArrayList<>(List.of("--add-modules", "jdk.incubator.vector"));
    all.addAll(flags);
    return runWith(all, main, arguments);
  }

  /** Runs {@code main} on this JVM's class path and returns what it printed; it must succeed. */
  public static List<String> runWith(List<String> flags, Class<?> main, String... arguments)
      throws Exception {
    String classPath = System.getProperty("java.class.path");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("surefire.test.class.path", classPath)));
    command.add(main.getName());
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    List<String> output;
    try (var reader = process.inputReader(StandardCharsets.UTF_8)) {
      output = reader.lines().toList();
    }
    int status = process.waitFor();
    assertThat(status)
        .as(() -> String.join("\n", output.subList(Math.max(0, output.size() - 40), output.size())))
        .isZero();
    return output;
  }
}
