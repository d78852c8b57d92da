package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.freetransformer.run.FileTree;

/** A run that takes moments: the smallest model, four steps. */
final class TinyRun {
  static final String CONFIG =
      """
      model:
        vocab_size: 29
        hidden_dim: 16
        num_layers: 2
        num_heads: 2
        ffn_hidden_dim: 32
        max_seq_len: 66
        latent_dim: 4
      training:
        max_steps: 4
        warmup_steps: 1
        learning_rate: 0.003
        batch_size: 4
        log_every: 1
        eval_every: 2
        save_every: 2
        keep_last: 5
        seed: 3
      data:
        dataset_name: plan-letters
        num_val_samples: 20
      """;

  private TinyRun() {}

  static Path config(Path folder) throws IOException {
    return Files.writeString(folder.resolve("tiny.yaml"), CONFIG);
  }

  /** Trains in {@code folder/run}, with more words for the command. */
  static Outcome train(Path folder, String... more) throws IOException {
    List<Object> words =
        new ArrayList<>(
            List.of("train", "--config", config(folder), "--out", folder.resolve("run")));
    words.addAll(List.of(more));
    return ft(words.toArray());
  }

  /** The run folder of a run that was trained without trouble. */
  static Path trained(Path folder, String... more) throws IOException {
    Outcome outcome = train(folder, more);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    return folder.resolve("run");
  }

  /** The run folder of a run on the bytes of a text, with its tokens beside it. */
  static Path trainedOnBytes(Path folder, Path text) throws IOException {
    return trained(
        folder,
        "--set",
        "model.vocab_size=256",
        "--set",
        "data.dataset_name=text",
        "--set",
        "data.data_dir=" + text,
        "--set",
        "data.max_length=16",
        "--set",
        "data.cache_dir=" + folder.resolve("cache"));
  }

  /** Takes a checkpoint away, as if the run had ended before it. */
  static void deleteStep(Path run, int step) throws IOException {
    FileTree.delete(run.resolve("checkpoints/step-" + step));
  }
}
