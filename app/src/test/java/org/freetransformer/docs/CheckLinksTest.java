package org.freetransformer.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.freetransformer.run.OwnJvm;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code make docs-check} finds in a site. */
class CheckLinksTest {
  private static final Path PROGRAM = MarkdownPage.ROOT.resolve("docs/site/CheckLinks.java");

  @TempDir Path site;

  private record Outcome(int code, String output) {}

  @BeforeEach
  void makeTwoPages() throws IOException {
    Files.createDirectories(site.resolve("docs"));
    Files.writeString(site.resolve("style.css"), "");
    write("index.html", "<link href=\"style.css\"><a href=\"docs/a.html#two\">a</a>");
    write("docs/a.html", "<h2 id=\"two\">Two</h2><a href=\"../index.html\">b</a><a href=\"#two\">");
  }

  private void write(String page, String html) throws IOException {
    Files.writeString(site.resolve(page), html);
  }

  private Outcome check() throws IOException, InterruptedException {
    String java = OwnJvm.java();
    Process process =
        new ProcessBuilder(java.toString(), PROGRAM.toString(), site.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), output);
  }

  @Test
  void aSiteWhoseLinksLeadSomewherePasses() throws Exception {
    assertThat(check()).isEqualTo(new Outcome(0, "2 pages, 4 links, 0 problems\n"));
  }

  @Test
  void deadLinksAndLonelyPagesAreNamed() throws Exception {
    write(
        "docs/lonely.html",
        "<a href=\"a.html#three\">a</a><a href=\"b.html\">b</a><img src=\"../../x.png\">"
            + "<a href=\"https://example.org/\">c</a><a href=\"./\">d</a>");
    Outcome outcome = check();
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.output())
        .contains("docs/lonely.html: a.html#three: no such place on that page")
        .contains("docs/lonely.html: b.html: no such file")
        .contains("docs/lonely.html: ../../x.png: leads out of the site")
        .contains("docs/lonely.html: ./: no such file")
        .contains("docs/lonely.html: no page links to it")
        .contains("3 pages, 8 links, 5 problems");
  }
}
