package org.freetransformer.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class SettingsCheckTest {
  /** Keys of the page, with or without their section, which may stand for all below them. */
  private static List<String> documented() throws IOException {
    String page = Files.readString(Path.of("../docs/training/resume.md"));
    int begin = page.indexOf("## What may change between two halves of a run");
    String list = page.substring(begin, page.indexOf("Any other", begin));
    return Pattern.compile("`([a-z_.]+)`")
        .matcher(list)
        .results()
        .map(found -> found.group(1))
        .toList();
  }

  private static boolean names(String word, String key) {
    return ("." + key + ".").contains("." + word + ".");
  }

  @Test
  void thePageListsWhatMayChange() throws IOException {
    List<String> words = documented();
    assertThat(SettingsCheck.MAY_CHANGE)
        .allSatisfy(key -> assertThat(words).anyMatch(word -> names(word, key)));
    assertThat(words)
        .isNotEmpty()
        .allSatisfy(word -> assertThat(SettingsCheck.MAY_CHANGE).anyMatch(key -> names(word, key)));
  }
}
