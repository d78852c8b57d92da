import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Looks for dead links in a folder of HTML pages: each relative link must lead to a file that is
 * there, and its part behind # to an element of that page. Links to other hosts are not followed;
 * the Javadoc in {@code api} is led to, but its own links are javadoc's concern.
 *
 * <pre>{@code java docs/site/CheckLinks.java target/site}</pre>
 */
public final class CheckLinks {
  private static final Pattern LINK = Pattern.compile("\\b(?:href|src)=\"([^\"]*)\"");
  private static final Pattern SCHEME = Pattern.compile("[a-zA-Z][a-zA-Z0-9+.-]*:.*");
  private static final Pattern NAME = Pattern.compile("\\b(?:id|name)=\"([^\"]*)\"");

  private final Path site;
  private final Map<Path, String> pages = new TreeMap<>();
  private final Set<Path> linked = new HashSet<>();
  private final List<String> problems = new ArrayList<>();
  private int links;

  private CheckLinks(Path site) {
    this.site = site;
  }

  /**
   * Prints what is wrong, a line each, and ends with 1 if anything is.
   *
   * @param args the folder
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 1 || !Files.isDirectory(Path.of(args[0]))) {
      System.err.println("CheckLinks: name the site's folder, as in target/site");
      System.exit(2);
    }
    CheckLinks check = new CheckLinks(Path.of(args[0]).toAbsolutePath().normalize());
    check.readPages();
    check.pages.forEach(check::checkPage);
    check.requireThatAllAreFound();
    check.problems.forEach(System.err::println);
    System.out.printf(
        "%d pages, %d links, %d problems%n",
        check.pages.size(), check.links, check.problems.size());
    System.exit(check.problems.isEmpty() ? 0 : 1);
  }

  private void readPages() throws IOException {
    try (Stream<Path> files = Files.walk(site)) {
      for (Path file : files.filter(CheckLinks::isPage).toList()) {
        if (!file.startsWith(site.resolve("api"))) {
          pages.put(file, Files.readString(file));
        }
      }
    }
    if (pages.isEmpty()) {
      problems.add(site + " has no pages");
    }
  }

  private static boolean isPage(Path file) {
    return file.getFileName().toString().endsWith(".html");
  }

  private void checkPage(Path page, String html) {
    Matcher matcher = LINK.matcher(html);
    while (matcher.find()) {
      String target = matcher.group(1).replace("&amp;", "&");
      if (!SCHEME.matcher(target).matches()) {
        links++;
        checkLink(page, target);
      }
    }
  }

  private void checkLink(Path page, String target) {
    int hash = target.indexOf('#');
    String path = decode(hash < 0 ? target : target.substring(0, hash));
    String name = hash < 0 ? "" : decode(target.substring(hash + 1));
    Path file = path.isEmpty() ? page : page.resolveSibling(path).normalize();
    String problem = problem(file, name);
    if (!problem.isEmpty()) {
      problems.add("%s: %s: %s".formatted(site.relativize(page), target, problem));
    } else if (!file.equals(page)) {
      linked.add(file);
    }
  }

  private String problem(Path file, String name) {
    if (!file.startsWith(site)) {
      return "leads out of the site";
    }
    if (!Files.isRegularFile(file)) {
      return "no such file";
    }
    return name.isEmpty() || names(file).contains(name) ? "" : "no such place on that page";
  }

  private Set<String> names(Path file) {
    try {
      String html = pages.containsKey(file) ? pages.get(file) : Files.readString(file);
      Set<String> names = new HashSet<>();
      Matcher matcher = NAME.matcher(html);
      while (matcher.find()) {
        names.add(decode(matcher.group(1)));
      }
      return names;
    } catch (IOException unreadable) {
      return Set.of();
    }
  }

  private static String decode(String part) {
    return URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  /** A page that no other page leads to is found by nobody. */
  private void requireThatAllAreFound() {
    for (Path page : pages.keySet()) {
      if (!linked.contains(page)) {
        problems.add(site.relativize(page) + ": no page links to it");
      }
    }
  }
}
