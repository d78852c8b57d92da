package org.freetransformer.cli;

import static java.util.stream.Collectors.joining;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The class path of the tests, for a launcher that looks for jars. */
final class OwnClassPath {
  private OwnClassPath() {}

  static Stream<Path> entries() {
    return Pattern.compile(File.pathSeparator)
        .splitAsStream(System.getProperty("java.class.path"))
        .map(entry -> Path.of(entry).toAbsolutePath());
  }

  /** Writes a jar that holds nothing but a reference to it. */
  static void referToIn(Path jar) throws IOException {
    String urls = entries().map(entry -> entry.toUri().toString()).collect(joining(" "));
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, urls);
    new JarOutputStream(Files.newOutputStream(jar), manifest).close();
  }
}
