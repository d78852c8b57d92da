package org.freetransformer.plots;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.freetransformer.data.DataConfig;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.run.RunFolder;
import org.freetransformer.train.RunConfig;
import org.freetransformer.train.TrainingConfig;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunPicturesTest {
  private static final String FIRST =
      "{\"step\":1,\"reconstruction\":3.5,\"kl\":0.1,\"kl_per_bit\":[0.05,0.05]}\n";
  private static final String LAST =
      "{\"step\":2,\"reconstruction\":null,\"kl\":null,\"kl_per_bit\":[null,null]}\n";

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {FIRST + LAST, LAST, FIRST})
  void aRunWhoseNumbersAreMissingIsDrawnAsFarAsItIsKnown(String lines) throws IOException {
    RunFolder run = new RunFolder(folder);
    Files.createDirectories(run.plots());
    Files.writeString(run.metrics(), lines);
    Files.writeString(run.evaluations(), "{\"step\":2,\"nll_bound\":null}\n");
    ModelConfig model =
        ModelConfig.builder()
            .vocabSize(29)
            .maxSeqLen(65)
            .latentDim(2)
            .hiddenDim(16)
            .numHeads(2)
            .build();
    RunPictures.draw(
        run, new RunConfig(model, TrainingConfig.builder().build(), DataConfig.planLetters(1)));
    for (String name : new String[] {"training.png", "kl-per-bit.png"}) {
      assertThat(ImageIO.read(run.plots().resolve(name).toFile()).getWidth()).isPositive();
    }
  }
}
