package org.freetransformer.train;

import static org.freetransformer.config.Limits.below;
import static org.freetransformer.config.Limits.between;
import static org.freetransformer.config.Limits.positive;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.optim.LearningRateSchedule;
import org.freetransformer.tensor.Precision;

/**
 * How a model is trained, checked and complete.
 *
 * @param learningRate peak rate of AdamW, above 0
 * @param weightDecay decoupled decay, at least 0
 * @param beta1 decay of the first moment, in [0, 1)
 * @param beta2 decay of the second moment, in [0, 1)
 * @param gradClip largest global norm of the gradient; 0 clips nothing
 * @param warmupSteps optimizer steps of linear warm-up
 * @param maxSteps optimizer steps in all
 * @param lrSchedule how the rate falls after the warm-up
 * @param wsdDecayShare share of the steps after the warm-up in which a wsd schedule decays, in (0,
 *     1]
 * @param minLrRatio the last rate as a share of the peak, in [0, 1]
 * @param betaKl weight β of the KL term
 * @param kappaFreeBits free bits κ, in nats per token
 * @param klWarmupSteps steps over which β rises linearly from 0; 0 for none
 * @param remedies what may keep the plan from collapsing
 * @param emaDecay decay per step of the weights' running average, which is then what is evaluated
 *     and saved as the model; 0 for none
 * @param batchSize sequences in one micro-batch
 * @param gradientAccumulationSteps micro-batches in one optimizer step
 * @param precision which numbers of a step are of 16 bits; weights and evaluation are f32 in all
 * @param activationCheckpointing whether the backward pass computes each block's activations again
 *     instead of the forward pass keeping them
 * @param saveEvery steps between checkpoints
 * @param evalEvery steps between evaluations
 * @param logEvery steps between log lines
 * @param checkpointDir run folder used where the command line names none
 * @param keepLast newest checkpoints to keep
 * @param keepBest checkpoints to keep for their held-out bound; 0 for none
 * @param samples what the model writes at each evaluation
 * @param sharding how it is spread over ranks, where there are several
 * @param seed of the weights, dropout and plan samples
 */
public record TrainingConfig(
    double learningRate,
    double weightDecay,
    double beta1,
    double beta2,
    double gradClip,
    int warmupSteps,
    int maxSteps,
    LearningRateSchedule.Kind lrSchedule,
    double wsdDecayShare,
    double minLrRatio,
    double betaKl,
    double kappaFreeBits,
    int klWarmupSteps,
    CollapseRemedies remedies,
    double emaDecay,
    int batchSize,
    int gradientAccumulationSteps,
    Precision precision,
    boolean activationCheckpointing,
    int saveEvery,
    int evalEvery,
    int logEvery,
    String checkpointDir,
    int keepLast,
    int keepBest,
    SampleConfig samples,
    ShardingConfig sharding,
    long seed) {

  static final int MAX_STEPS = 1_000_000_000;

  static final int MOST_MICRO_BATCHES = 1 << 20;

  private static final double ADAM_EPSILON = 1e-8;

  /** How the names of the plan encoder's parameters begin. */
  private static final String ENCODER = "encoder.";

  /**
   * Checks every number.
   *
   * @throws ConfigException naming the first key that is wrong, and the nearest valid choice
   */
  public TrainingConfig {
    positive("learning_rate", learningRate, 100);
    between("weight_decay", weightDecay, 0, 100);
    below("beta1", beta1, 0, 1);
    below("beta2", beta2, 0, 1);
    between("grad_clip", gradClip, 0, 1e9);
    between("warmup_steps", warmupSteps, 0, MAX_STEPS);
    between("max_steps", maxSteps, 1, MAX_STEPS);
    positive("wsd_decay_share", wsdDecayShare, 1);
    between("min_lr_ratio", minLrRatio, 0, 1);
    between("beta_kl", betaKl, 0, 1e6);
    between("kappa_free_bits", kappaFreeBits, 0, 100);
    between("kl_warmup_steps", klWarmupSteps, 0, MAX_STEPS);
    below("ema_decay", emaDecay, 0, 1);
    between("batch_size", batchSize, 1, 1 << 20);
    between("gradient_accumulation_steps", gradientAccumulationSteps, 1, MOST_MICRO_BATCHES);
    between("save_every", saveEvery, 1, MAX_STEPS);
    between("eval_every", evalEvery, 1, MAX_STEPS);
    between("log_every", logEvery, 1, MAX_STEPS);
    between("keep_last", keepLast, 1, 1_000_000);
    between("keep_best", keepBest, 0, 1_000_000);
    if (checkpointDir.isBlank()) {
      throw new ConfigException("checkpoint_dir", "is empty; name a folder, as in ./checkpoints");
    }
  }

  /** Whether a step stands in the metrics: every {@code log_every}th, and the last. */
  public boolean isLogged(long step) {
    return step % logEvery == 0 || step == maxSteps;
  }

  /** A builder at the defaults. */
  public static TrainingConfigBuilder builder() {
    return new TrainingConfigBuilder();
  }

  /** A new optimizer of what a replica trains, at step 0. */
  AdamW optimizer(Replica replica) {
    return new AdamW(
        replica.keeper(),
        replica.trained(),
        new AdamW.Config(beta1, beta2, ADAM_EPSILON, weightDecay),
        name -> name.startsWith(ENCODER) ? remedies.encoderLrRatio() : 1);
  }

  /** A builder that starts from this configuration. */
  public TrainingConfigBuilder toBuilder() {
    return new TrainingConfigBuilder(this);
  }

  /**
   * Reads the {@code training} section.
   *
   * @param notes told, in one line each, of keys that have no effect here
   * @throws ConfigException with the place of the first key that is unknown, ill-typed, wrong, or
   *     asks for what is not built in this version
   */
  public static TrainingConfig read(ConfigSection section, Consumer<String> notes) {
    return TrainingConfigBuilder.read(section, notes);
  }

  /** All keys and values as {@link #read} takes them. */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("learning_rate", learningRate);
    map.put("weight_decay", weightDecay);
    map.put("beta1", beta1);
    map.put("beta2", beta2);
    map.put("grad_clip", gradClip);
    map.put("warmup_steps", warmupSteps);
    map.put("max_steps", maxSteps);
    map.put("lr_schedule", ConfigSection.nameOf(lrSchedule));
    map.put("wsd_decay_share", wsdDecayShare);
    map.put("min_lr_ratio", minLrRatio);
    map.put("beta_kl", betaKl);
    map.put("kappa_free_bits", kappaFreeBits);
    map.put("kl_warmup_steps", klWarmupSteps);
    map.putAll(remedies.toMap());
    map.put("ema_decay", emaDecay);
    map.put("batch_size", batchSize);
    map.put("gradient_accumulation_steps", gradientAccumulationSteps);
    map.put("precision", ConfigSection.nameOf(precision));
    map.put("activation_checkpointing", activationCheckpointing);
    map.put("save_every", saveEvery);
    map.put("eval_every", evalEvery);
    map.put("log_every", logEvery);
    map.put("checkpoint_dir", checkpointDir);
    map.put("keep_last", keepLast);
    map.put("keep_best", keepBest);
    samples.putInto(map);
    sharding.putInto(map);
    map.put("seed", seed);
    return map;
  }
}
