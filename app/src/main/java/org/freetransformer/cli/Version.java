package org.freetransformer.cli;

import java.util.List;
import java.util.Map;
import org.freetransformer.run.Environment;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Device;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;

/** What {@code ft --version} prints: this program's version and the Java that runs it. */
final class Version implements IVersionProvider {
  /** What a run's {@code environment.json} says of this command. */
  static Map<String, Object> environment(CommandSpec command, Engine engine) {
    List<String> words = command.root().commandLine().getParseResult().originalArgs();
    Device device = engine.device();
    return Environment.describe(version(), device.name() + ", " + device.description(), words);
  }

  /** The same of a command that has yet to open its device. */
  static Map<String, Object> environment(CommandSpec command, DeviceOptions device) {
    try (Engine engine = device.open()) {
      return environment(command, engine);
    }
  }

  private static String version() {
    String version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "from class files" : version;
  }

  @Override
  public String[] getVersion() {
    return new String[] {
      "ft %s (Java %s, %s)"
          .formatted(version(), Runtime.version(), System.getProperty("java.vm.name"))
    };
  }
}
