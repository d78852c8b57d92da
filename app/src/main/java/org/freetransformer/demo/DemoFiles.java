package org.freetransformer.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.freetransformer.data.PlanLettersEntropy;
import org.freetransformer.plots.Drawing;
import org.freetransformer.run.OutputFiles;
import org.jspecify.annotations.Nullable;

/**
 * What a demonstration leaves behind: results, pictures, and a document if one is wanted.
 *
 * @param results of all its models
 * @param findings what a reader sees in them
 * @param environment where and how they were made
 */
public record DemoFiles(
    List<RegimeResult> results, List<String> findings, Map<String, Object> environment) {
  /** Copies the lists. */
  public DemoFiles {
    results = List.copyOf(results);
    findings = List.copyOf(findings);
  }

  /** What {@code results.json} says. */
  public Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("source_entropy", PlanLettersEntropy.perCharacter());
    map.put("models", results.stream().map(RegimeResult::toMap).toList());
    map.put("findings", findings);
    map.put("environment", environment);
    return map;
  }

  /** The samples of all models, side by side as text. */
  public String samples() {
    StringBuilder text = new StringBuilder();
    results.forEach(result -> text.append(SideBySide.of(result)).append('\n'));
    return text.toString();
  }

  /**
   * Draws the pictures.
   *
   * @return the pictures' files; none where Java cannot draw
   */
  public List<Path> draw(Path folder, Consumer<String> warnings) throws IOException {
    Files.createDirectories(folder);
    Drawing.attempt(() -> DemoPictures.draw(results, folder), warnings);
    return List.of(DemoPictures.PLANS, DemoPictures.BOUNDS).stream()
        .map(folder::resolve)
        .filter(Files::exists)
        .toList();
  }

  /** Writes the document, and copies of the pictures beside it, named after it. */
  public void writeReport(Path file, List<Path> pictures) throws IOException {
    Path whole = file.toAbsolutePath();
    String base = String.valueOf(whole.getFileName()).replaceFirst("\\.md$", "");
    List<String> names =
        pictures.stream().map(picture -> base + "-" + picture.getFileName()).toList();
    OutputFiles.write(whole, DemoReport.of(results, findings, environment, names));
    for (int i = 0; i < names.size(); i++) {
      Files.copy(
          pictures.get(i), whole.resolveSibling(names.get(i)), StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
