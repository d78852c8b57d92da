package org.freetransformer.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.freetransformer.checkpoint.CheckpointException;

/**
 * A run that goes on with other settings would be neither run. Those that decide how long it goes
 * on and what is kept of it may change.
 */
final class SettingsCheck {
  /**
   * Settings that do not touch the steps already done; the data itself is compared elsewhere.
   * docs/training/resume.md lists them.
   */
  static final TreeSet<String> MAY_CHANGE =
      new TreeSet<>(
          List.of(
              "training.max_steps",
              "training.save_every",
              "training.eval_every",
              "training.log_every",
              "training.keep_last",
              "training.keep_best",
              "training.samples",
              "training.sample_prompt",
              "training.checkpoint_dir",
              "training.activation_checkpointing",
              "training.use_fsdp",
              "training.fsdp_config.sharding_strategy",
              "training.fsdp_config.min_num_params",
              "training.fsdp_config.exchange_precision",
              "training.fsdp_config.reduce_every_micro_batch",
              "training.fsdp_config.node_ranks",
              "training.fsdp_config.cpu_offload",
              "data.data_dir",
              "data.cache_dir",
              "data.tokenizer"));

  private SettingsCheck() {}

  /**
   * Compares the settings of a saved run with those it shall go on with.
   *
   * @param source the checkpoint
   * @throws CheckpointException naming every setting that differs and may not
   */
  static void requireSame(String source, RunConfig saved, RunConfig wanted) {
    Map<String, Object> before = DottedKeys.of(saved.toMap());
    List<String> changes = new ArrayList<>();
    DottedKeys.of(wanted.toMap())
        .forEach((key, value) -> {
          if (!MAY_CHANGE.contains(key) && !Objects.equals(value, before.get(key))) {
            changes.add("%s was %s and is now %s".formatted(key, before.get(key), value));
          }
        });
    if (!changes.isEmpty()) {
      throw new CheckpointException(
          source,
          "is of a run with other settings: %s; a run goes on as it began, only %s may change"
              .formatted(String.join(", ", changes), String.join(", ", MAY_CHANGE)));
    }
  }
}
