package org.freetransformer.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointException;
import org.freetransformer.checkpoint.CheckpointFiles;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.checkpoint.CheckpointShare;
import org.freetransformer.checkpoint.CheckpointState;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.Retention;
import org.freetransformer.checkpoint.SafeTensors;
import org.freetransformer.checkpoint.StatefulPart;
import org.freetransformer.checkpoint.TensorFile;
import org.freetransformer.checkpoint.TensorStore;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigNode;
import org.freetransformer.config.Origin;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.sharding.FullyShardedModel;
import org.jspecify.annotations.Nullable;

/**
 * What a checkpoint holds of a run besides its counters: weights, moments, and the states of all
 * else that a resumed run needs to give the same bits. Of several ranks each saves, and reads, its
 * share.
 */
final class TrainingState {
  private final RunConfig config;
  private final Replica replica;
  private final LanguageModel model;
  private final AdamW optimizer;
  private final @Nullable AveragedWeights averaged;
  private final List<StatefulPart> parts;

  /**
   * The state of a run.
   *
   * @param averaged what the run evaluates and saves as its model, or null if it averages nothing
   * @param parts whatever has a state besides weights and moments, the averaged weights among them
   */
  TrainingState(
      RunConfig config,
      Replica replica,
      AdamW optimizer,
      @Nullable AveragedWeights averaged,
      List<StatefulPart> parts) {
    this.config = config;
    this.replica = replica;
    this.model = replica.model();
    this.optimizer = optimizer;
    this.averaged = averaged;
    this.parts = List.copyOf(parts);
  }

  /**
   * Takes the weights of a saved model instead of new ones, before the first step.
   *
   * @throws CheckpointException if the model has another shape; dropout, the longest sequence and
   *     the kind of gradient may differ
   */
  void initialize(TensorStore weights) {
    new InitialModel(weights).requireShapeOf(config.model());
    CheckpointShare share = share();
    if (share == null) {
      ModelFile.read(weights, model);
    } else {
      share.readWeights(weights, model.parameters().keySet());
    }
    if (averaged != null) {
      averaged.restart();
    }
  }

  /**
   * Goes back to where a checkpoint was saved.
   *
   * @throws CheckpointException if it is damaged, of another model or other data, or of a run with
   *     settings that a resumed run may not change
   */
  void restore(Checkpoint checkpoint) {
    try (SafeTensors weights = checkpoint.openModel();
        SafeTensors moments = checkpoint.openOptimizer()) {
      SettingsCheck.requireSame(
          checkpoint.folder().toString(), settings(weights, checkpoint.state()), config);
      checkpoint.restore(parts);
      CheckpointShare share = share();
      if (share == null) {
        ModelFile.read(weights, model);
        ModelFile.read(moments, model, optimizer);
      } else {
        share.readWeights(weights, model.parameters().keySet());
        share.readMoments(moments, Parameter.trained(model.parameters()).keySet());
        share.readPart(checkpoint);
      }
    }
    if (averaged != null) {
      averaged.exchange();
    }
  }

  /** The settings a run was saved with; of format 1, which lacks them, as far as it tells. */
  private RunConfig settings(SafeTensors weights, CheckpointState state) {
    String training = weights.metadata().get(Trainer.TRAINING_CONFIG);
    Map<String, Object> now = config.training().toBuilder().seed(state.seed()).build().toMap();
    Map<String, ConfigNode> sections = new LinkedHashMap<>();
    sections.put("model", section(weights, ModelFile.CONFIG));
    sections.put("data", section(weights, ModelFile.DATA_CONFIG));
    sections.put(
        "training",
        training == null
            ? ConfigJson.read(ConfigJson.write(now), weights.source())
            : section(weights, Trainer.TRAINING_CONFIG));
    try {
      return RunConfig.read(new ConfigNode.Mapping(sections, Origin.of(weights.source())), _ -> {});
    } catch (ConfigException wrong) {
      throw new CheckpointException(weights.source(), String.valueOf(wrong.getMessage()), wrong);
    }
  }

  private static ConfigNode section(SafeTensors weights, String key) {
    String json = weights.metadata().get(key);
    if (json == null) {
      throw new CheckpointException(weights.source(), "its metadata has no key '" + key + "'");
    }
    return ConfigJson.read(json, weights.source() + ", metadata " + key);
  }

  /** Does something while the model has the averaged weights, if the run has them. */
  <T> T withAverage(Supplier<T> work) {
    return averaged == null ? work.get() : averaged.during(work);
  }

  /**
   * Saves all of it.
   *
   * @param state where the run stands besides
   * @throws IOException if it cannot be written; earlier checkpoints are as they were
   */
  Checkpoint save(CheckpointFolder folder, CheckpointState state) throws IOException {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(ModelFile.DATA_CONFIG, ConfigJson.write(config.data().toMap()));
    metadata.put(Trainer.TRAINING_CONFIG, ConfigJson.write(config.training().toMap()));
    Retention kept = new Retention(config.training().keepLast(), config.training().keepBest());
    TensorFile weights = ModelFile.of(model, metadata);
    CheckpointShare share = share();
    TensorFile moments =
        share == null ? ModelFile.of(model, optimizer) : ModelFile.optimizerOutline(model);
    String tokenizer = config.data().tokenizerJson().orElse(null); // For whoever generates.
    CheckpointFiles files = new CheckpointFiles(weights, moments, parts, tokenizer);
    try {
      return withAverage(() -> saved(folder, state, files, share, kept));
    } catch (UncheckedIOException failure) {
      throw failure.getCause();
    }
  }

  /** This rank's share of a checkpoint, or null where it has all. */
  private @Nullable CheckpointShare share() {
    FullyShardedModel shards = replica.shards();
    if (shards == null) {
      return null;
    }
    Ranks ranks = replica.ranks();
    CheckpointShare share = new CheckpointShare(shards, optimizer, ranks.isFirst(), ranks::meet);
    if (averaged != null) {
      share.add(AveragedWeights.NAME, averaged::of);
    }
    return share;
  }

  private static Checkpoint saved(
      CheckpointFolder folder,
      CheckpointState state,
      CheckpointFiles files,
      @Nullable CheckpointShare share,
      Retention kept) {
    try {
      return share == null
          ? folder.save(state, files, kept)
          : folder.saveTogether(state, files, share, kept);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
