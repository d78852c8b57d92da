package org.freetransformer.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Where and how a run was started, so that its numbers can be judged later. */
public final class Environment {
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  private Environment() {}

  /**
   * What goes into {@code environment.json}.
   *
   * @param version of this program
   * @param device the device's own description, vector width and threads included
   * @param commandLine the words after {@code ft}
   */
  public static Map<String, Object> describe(
      String version, String device, List<String> commandLine) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("version", version);
    map.put("command", commandLine);
    map.put("started", Instant.now().toString());
    map.put("java", Runtime.version().toString());
    map.put("jvm", System.getProperty("java.vm.name"));
    map.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    map.put("cpu", cpuName());
    map.put("processors", Runtime.getRuntime().availableProcessors());
    map.put("device", device);
    return map;
  }

  /**
   * The command that was given, as a reader can give it again.
   *
   * @param environment as in {@code environment.json}
   */
  public static String command(Map<String, Object> environment) {
    StringBuilder command = new StringBuilder("./ft");
    if (environment.get("command") instanceof List<?> words) {
      words.forEach(word -> command.append(' ').append(word));
    }
    return command.toString();
  }

  /** The processor's name as the system tells it; its architecture where it does not. */
  public static String cpuName() {
    try (Stream<String> lines = Files.lines(CPU_INFO)) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElseGet(Environment::architecture);
    } catch (IOException notLinux) {
      return architecture();
    }
  }

  private static String architecture() {
    return System.getProperty("os.arch");
  }
}
