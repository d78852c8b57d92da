package org.freetransformer.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A document of the project: its blocks of code, its code in running text, its links and headings.
 *
 * @param file where it lies
 * @param text its Markdown
 */
record MarkdownPage(Path file, String text) {
  /** The project's folder. */
  static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static final Pattern FENCED =
      Pattern.compile("(?ms)^( *)```(\\w*)\\n(.*?)^ *```$|^ {4}(\\./ft [^\\n]*)$");
  private static final Pattern SPAN = Pattern.compile("`([^`]+)`");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
  private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6} +(.+)$");

  /**
   * A block of code.
   *
   * @param language as the fence names it; {@code sh} where a command stands indented
   */
  record Block(String language, String code) {}

  /** All documents that a user reads. */
  static List<MarkdownPage> all() {
    List<MarkdownPage> pages = new ArrayList<>();
    pages.add(read(ROOT.resolve("README.md")));
    pages.add(read(ROOT.resolve("examples/README.md")));
    try (Stream<Path> files = Files.walk(ROOT.resolve("docs"))) {
      files
          .filter(file -> file.toString().endsWith(".md"))
          .sorted()
          .map(MarkdownPage::read)
          .forEach(pages::add);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return pages;
  }

  static MarkdownPage read(Path file) {
    try {
      return new MarkdownPage(file, Files.readString(file));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  List<Block> blocks() {
    List<Block> blocks = new ArrayList<>();
    Matcher matcher = FENCED.matcher(text);
    while (matcher.find()) {
      blocks.add(
          matcher.group(4) == null
              ? new Block(matcher.group(2), matcher.group(3))
              : new Block("sh", matcher.group(4)));
    }
    return blocks;
  }

  /** Code within running text. */
  List<String> spans() {
    return SPAN.matcher(FENCED.matcher(text).replaceAll(""))
        .results()
        .map(span -> span.group(1).replaceAll("\\s+", " "))
        .toList();
  }

  /** Targets of links and pictures. */
  List<String> links() {
    return LINK.matcher(prose()).results().map(link -> link.group(1)).toList();
  }

  /** What a link to a heading of this page says after its #, as most sites make it. */
  Set<String> anchors() {
    Set<String> anchors = new LinkedHashSet<>();
    Map<String, Integer> seen = new HashMap<>();
    HEADING
        .matcher(FENCED.matcher(text).replaceAll(""))
        .results()
        .map(heading -> anchor(heading.group(1)))
        .forEach(anchor -> {
          int before = seen.merge(anchor, 1, Integer::sum) - 1;
          anchors.add(before == 0 ? anchor : anchor + "-" + before);
        });
    return anchors;
  }

  private static String anchor(String heading) {
    return heading
        .replaceAll("\\[([^]]*)]\\([^)]*\\)", "$1")
        .strip()
        .toLowerCase(Locale.ROOT)
        .replaceAll("[^\\p{L}\\p{N}_ -]", "")
        .replace(' ', '-');
  }

  /** The text without code. */
  private String prose() {
    return SPAN.matcher(FENCED.matcher(text).replaceAll("")).replaceAll("code");
  }

  @Override
  public String toString() {
    return ROOT.relativize(file).toString();
  }
}
