package org.freetransformer.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a folder that is replaced; of crashes {@link PowerLossTest} tells. */
final class AtomicDirectoryTest {

  @TempDir private Path folder;

  private final RecordingFileSystem files = new RecordingFileSystem();

  private void write(String content) throws IOException {
    AtomicDirectory.write(
        files.wrap(folder.resolve("model")),
        temporary ->
            AtomicFile.create(
                temporary.resolve("file"), channel -> channel.write(UTF_8.encode(content))));
  }

  private List<String> names() throws IOException {
    try (Stream<Path> found = Files.list(folder)) {
      return found.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void replacesAFolder() throws IOException {
    write("old");
    write("new");
    assertThat(folder.resolve("model").resolve("file")).hasContent("new");
    assertThat(names()).containsExactly("model");
  }

  @Test
  void afterAFailureTheOldFolderIsInItsPlace() throws IOException {
    write("old");
    files.nail(path -> path.endsWith(".model.tmp"));
    assertThatThrownBy(() -> write("new"))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot write " + folder.resolve("model") + ": Device or resource busy");
    assertThat(folder.resolve("model").resolve("file")).hasContent("old");
    assertThat(names()).containsExactly("model");
  }

  /** As on NFS, where a file is in use that a process has mapped. */
  @Test
  void anOldFolderThatCannotBeDeletedIsNoFailure() throws IOException {
    write("old");
    files.use(path -> path.toString().contains(".replaced"));
    write("new");
    assertThat(folder.resolve("model").resolve("file")).hasContent("new");
    assertThat(names()).containsExactly(".model.replaced", "model");
    files.use(_ -> false);
    write("newest");
    assertThat(folder.resolve("model").resolve("file")).hasContent("newest");
    assertThat(names()).containsExactly("model");
  }
}
