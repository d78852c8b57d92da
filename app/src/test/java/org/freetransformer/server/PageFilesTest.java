package org.freetransformer.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the plan explorer's files promise, whether or not there is a browser to run them. */
final class PageFilesTest {
  private static final Pattern NAMED = Pattern.compile("(?:/assets/|from '\\./)([a-z-]+\\.[a-z]+)");

  private static List<Path> files() throws IOException, URISyntaxException {
    URL index = Objects.requireNonNull(PageFilesTest.class.getResource("page/index.html"));
    try (Stream<Path> files = Files.list(Path.of(index.toURI()).getParent())) {
      return files.toList();
    }
  }

  @Test
  void everyFileIsNamedByAnotherAndEveryNameIsAFile() throws Exception {
    Set<String> names = new TreeSet<>();
    for (Path file : files()) {
      NAMED.matcher(Files.readString(file)).results().forEach(named -> names.add(named.group(1)));
    }
    names.add("index.html");
    Set<String> there =
        files().stream()
            .map(file -> file.getFileName().toString())
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(there).isEqualTo(names);
  }

  /** Text of a model or of a user could hold markup, so none is ever read from text. */
  @Test
  void noTextBecomesMarkupOrCode() throws Exception {
    for (Path file : files()) {
      assertThat(Files.readString(file))
          .as(file.toString())
          .doesNotContainPattern("innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\(");
    }
  }

  @Test
  void nothingIsAskedOfAnotherServer() throws Exception {
    for (Path file : files()) {
      List<String> addresses =
          Pattern.compile("https?://[^\"']+")
              .matcher(Files.readString(file))
              .results()
              .map(MatchResult::group)
              .toList();
      assertThat(addresses).as(file.toString()).isSubsetOf("http://www.w3.org/2000/svg");
    }
  }
}
