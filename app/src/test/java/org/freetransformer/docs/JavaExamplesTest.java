package org.freetransformer.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringWriter;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Blocks of Java in documents compile; the README's is run as well. */
class JavaExamplesTest {
  /** What the lines of a document take as given, as parameters of a method around them. */
  private static final Map<String, String> GIVEN =
      Map.of(
          "docs/training/data.md",
          "DocumentSource.Part part",
          "docs/training/multi-device.md",
          "Engine engine, ModelConfig config, LanguageModel model, ProcessGroup group,"
              + " AdamW.Config constants");

  @TempDir Path folder;

  static List<MarkdownPage> documents() {
    return MarkdownPage.all().stream().filter(page -> !blocks(page).isEmpty()).toList();
  }

  private static List<String> blocks(MarkdownPage page) {
    return page.blocks().stream()
        .filter(block -> block.language().equals("java"))
        .map(MarkdownPage.Block::code)
        .toList();
  }

  /** A class around lines that are none. */
  private static String around(String given, String lines) {
    return """
    import java.nio.file.Path;
    import java.util.*;
    import org.freetransformer.checkpoint.*;
    import org.freetransformer.data.*;
    import org.freetransformer.eval.*;
    import org.freetransformer.generate.*;
    import org.freetransformer.model.*;
    import org.freetransformer.nn.optim.*;
    import org.freetransformer.nn.sharding.*;
    import org.freetransformer.tensor.*;
    import org.freetransformer.tensor.device.Devices;
    import org.freetransformer.train.*;

    class Example {
      void lines(%s) throws Exception {
    %s
      }
    }
    """
        .formatted(given, lines);
  }

  @ParameterizedTest
  @MethodSource("documents")
  void everyBlockCompiles(MarkdownPage page) {
    for (String block : blocks(page)) {
      compile(
          block.contains("class ")
              ? block
              : around(GIVEN.getOrDefault(page.toString(), ""), block));
    }
  }

  @Test
  void theReadmesTrainsAndSavesAModel() throws Exception {
    compile(blocks(MarkdownPage.read(MarkdownPage.ROOT.resolve("README.md"))).getFirst());

    try (URLClassLoader classes = new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
      var main = classes.loadClass("Example").getDeclaredMethod("main", String[].class);
      main.setAccessible(true);
      main.invoke(null, (Object) new String[] {folder.toString()});
    }

    assertThat(folder.resolve("checkpoints/step-20/model.safetensors")).isNotEmptyFile();
  }

  private void compile(String source) {
    JavaFileObject file =
        new SimpleJavaFileObject(URI.create("string:///Example.java"), JavaFileObject.Kind.SOURCE) {
          @Override
          public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return source;
          }
        };
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    List<String> options =
        List.of("-cp", System.getProperty("java.class.path"), "-d", folder.toString());
    boolean compiled = compiler.getTask(messages, null, null, options, null, List.of(file)).call();
    assertThat(compiled).as(messages.toString()).isTrue();
  }
}
