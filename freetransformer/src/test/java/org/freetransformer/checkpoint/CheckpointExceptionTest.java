package org.freetransformer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who takes a file for damaged renames it, so that only what is sure to be may be called so. */
final class CheckpointExceptionTest {

  @TempDir private Path folder;

  private static boolean isDamage(ThrowingCallable reading) {
    CheckpointException problem = catchThrowableOfType(CheckpointException.class, reading);
    assertThat(problem).isNotNull();
    return problem.isDamage();
  }

  @Test
  void filesThatAreMissingOrAreNotWhatWasWrittenAreDamaged() throws IOException {
    Path file = folder.resolve("file");
    assertThat(isDamage(() -> SafeTensors.open(file))).isTrue();
    assertThat(isDamage(() -> CheckpointState.read(file))).isTrue();
    assertThat(isDamage(() -> Checksums.read(folder))).isTrue();
    for (String content : List.of("half", "\t\0\0\0\0\0\0\0{\"a\": 1,}")) {
      Files.writeString(file, content);
      assertThat(isDamage(() -> SafeTensors.open(file))).isTrue();
    }
    assertThat(isDamage(() -> CheckpointState.read(file))).isTrue();
    Files.copy(file, folder.resolve(Checksums.FILE));
    assertThat(isDamage(() -> Checksums.read(folder))).isTrue();
  }

  @Test
  void filesThatDoNotFitMayBeWhole() throws IOException {
    Path file = folder.resolve("file");
    new TensorFile(Map.of(ModelFile.CONFIG, "{\"kind\": \"other\"}"), List.of()).write(file);
    try (SafeTensors store = SafeTensors.open(file)) {
      assertThat(isDamage(() -> ModelFile.config(store))).isFalse();
      assertThat(isDamage(() -> store.data("weight"))).isFalse();
      assertThat(isDamage(() -> PartState.of(store, "scaler"))).isFalse();
      assertThat(isDamage(() -> PartsFile.restore(store, List.of()))).isFalse();
    }
  }

  @Test
  void aFolderThatCannotBeListedMayHoldWholeOnes() {
    RecordingFileSystem files = new RecordingFileSystem();
    files.lock(folder::equals);
    CheckpointFolder checkpoints = new CheckpointFolder(files.wrap(folder));
    assertThat(isDamage(checkpoints::stepNumbers)).isFalse();
  }
}
