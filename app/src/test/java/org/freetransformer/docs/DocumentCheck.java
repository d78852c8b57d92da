package org.freetransformer.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.freetransformer.cli.FtCalls;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.run.ConfigFile;
import org.freetransformer.train.RunConfig;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** What a document says that the project does not have: commands, options, keys, files, links. */
final class DocumentCheck {
  private static final Pattern FILE =
      Pattern.compile(
          "(?<![\\w/.-])(?:configs/[\\w-]+\\.yaml|scripts/[\\w-]+(?:\\.sh)?|docker/[\\w-]+(?:\\.yml)?"
              + "|data/[\\w-]+\\.txt)");
  private static final Pattern MAKE = Pattern.compile("\\bmake ([a-z][a-z-]*)\\b");
  private static final Pattern ABOUT_FT = Pattern.compile("(?:^|\\s|\\./)ft (.+)");
  private static final String TOLD = "…"; // What a reader fills in.

  private final MarkdownPage page;
  private final List<String> problems = new ArrayList<>();

  private DocumentCheck(MarkdownPage page) {
    this.page = page;
  }

  /** What is wrong in a document, a line each. */
  static List<String> problems(MarkdownPage page) {
    DocumentCheck check = new DocumentCheck(page);
    for (MarkdownPage.Block block : page.blocks()) {
      ShellCommands.of(block).forEach(check::checkCommand);
      check.checkTargets(block.code());
    }
    for (String span : page.spans()) {
      check.checkSpan(span);
      check.checkTargets(span);
    }
    check.checkFiles();
    page.links().forEach(check::checkLink);
    return check.problems;
  }

  private void checkCommand(String command) {
    List<String> words = FtCalls.words(command);
    int ft = words.indexOf("./ft");
    if (ft < 0 && words.contains("docker") && words.contains("run")) {
      ft = words.indexOf("free-transformer"); // The image, whose program is ft.
    }
    if (ft >= 0) {
      List<String> call = new ArrayList<>(words.subList(ft + 1, words.size()));
      call.remove(TOLD);
      checkCall(command, call);
    }
  }

  private void checkCall(String command, List<String> call) {
    try {
      ParseResult parsed = FtCalls.parse(call);
      List<String> changes = parsed.matchedOptionValue("--set", List.of());
      Path file = parsed.matchedOptionValue("--config", Path.of(""));
      RunConfig.read(ConfigFile.set(config(file), changes), note -> {});
    } catch (ParameterException | ConfigException refused) {
      problems.add(command + ": " + refused.getMessage());
    }
  }

  /** The configuration that a command names; an empty one if it is the reader's own. */
  private static ConfigNode config(Path file) {
    return file.startsWith("configs")
        ? ConfigFile.read(MarkdownPage.ROOT.resolve(file))
        : ConfigFile.parse("{}", "a reader's configuration");
  }

  /** A call that is told about, and not to be typed as it stands. */
  private void checkSpan(String span) {
    ABOUT_FT
        .matcher(span)
        .results()
        .forEach(call ->
            FtCalls.unknownNames(FtCalls.words(call.group(1)))
                .forEach(name -> problems.add("%s: there is no %s".formatted(span, name))));
  }

  private void checkTargets(String code) {
    String makefile = read(MarkdownPage.ROOT.resolve("Makefile"));
    found(MAKE, code)
        .map(match -> match.group(1))
        .filter(target -> !makefile.contains("\n" + target + ":"))
        .forEach(target -> problems.add("make " + target + ": there is no such target"));
  }

  private void checkFiles() {
    found(FILE, page.text())
        .map(MatchResult::group)
        .distinct()
        .filter(file -> !Files.exists(MarkdownPage.ROOT.resolve(file)))
        .forEach(file -> problems.add(file + ": there is no such file"));
  }

  private void checkLink(String target) {
    if (target.matches("[a-z]+:.*")) {
      return; // Other hosts are not asked.
    }
    int hash = target.indexOf('#');
    String path = hash < 0 ? target : target.substring(0, hash);
    Path file = path.isEmpty() ? page.file() : page.file().resolveSibling(path).normalize();
    if (!path.isEmpty() && !Files.exists(file)) {
      problems.add(target + ": there is no such file");
    } else if (hash >= 0 && !anchors(file).contains(target.substring(hash + 1))) {
      problems.add(target + ": there is no such heading");
    }
  }

  private Set<String> anchors(Path file) {
    return (file.equals(page.file()) ? page : MarkdownPage.read(file)).anchors();
  }

  private static Stream<MatchResult> found(Pattern pattern, String text) {
    return pattern.matcher(text).results();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
