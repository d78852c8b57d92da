package org.freetransformer.cli;

import picocli.CommandLine.IVersionProvider;

/** What {@code ft --version} prints: this program's version and the Java that runs it. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    String version = Version.class.getPackage().getImplementationVersion();
    return new String[] {
      "ft %s (Java %s, %s)"
          .formatted(
              version == null ? "from class files" : version,
              Runtime.version(),
              System.getProperty("java.vm.name"))
    };
  }
}
