package org.freetransformer.train;

import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.nn.optim.LearningRateSchedule;
import org.freetransformer.tensor.Precision;

/** Collects the values of a {@link TrainingConfig}; those not set keep their defaults. */
public final class TrainingConfigBuilder {
  private static final List<String> WANDB = List.of("wandb_project", "wandb_run_name");

  private double learningRate = 3e-4;
  private double weightDecay = 0.1;
  private double beta1 = 0.9;
  private double beta2 = 0.95;
  private double gradClip = 1.0;
  private int warmupSteps = 2000;
  private int maxSteps = 100_000;
  private LearningRateSchedule.Kind lrSchedule = LearningRateSchedule.Kind.COSINE;
  private double wsdDecayShare = 0.2;
  private double minLrRatio = 0.1;
  private double betaKl = 1.0;
  private double kappaFreeBits = 0.3466;
  private int klWarmupSteps;
  private Supplier<CollapseRemedies> remedies = () -> CollapseRemedies.NONE;
  private double emaDecay;
  private int batchSize = 64;
  private int gradientAccumulationSteps = 1;
  private Precision precision = Precision.FP32;
  private boolean activationCheckpointing;
  private int saveEvery = 5000;
  private int evalEvery = 1000;
  private int logEvery = 100;
  private String checkpointDir = "./checkpoints";
  private int keepLast = 3;
  private int keepBest = 1;
  private Supplier<SampleConfig> samples = () -> SampleConfig.DEFAULT;
  private ShardingConfig sharding = ShardingConfig.DEFAULT;
  private long seed = 42;

  TrainingConfigBuilder() {}

  TrainingConfigBuilder(TrainingConfig from) {
    learningRate = from.learningRate();
    weightDecay = from.weightDecay();
    beta1 = from.beta1();
    beta2 = from.beta2();
    gradClip = from.gradClip();
    warmupSteps = from.warmupSteps();
    maxSteps = from.maxSteps();
    lrSchedule = from.lrSchedule();
    wsdDecayShare = from.wsdDecayShare();
    minLrRatio = from.minLrRatio();
    betaKl = from.betaKl();
    kappaFreeBits = from.kappaFreeBits();
    klWarmupSteps = from.klWarmupSteps();
    remedies = from::remedies;
    emaDecay = from.emaDecay();
    batchSize = from.batchSize();
    gradientAccumulationSteps = from.gradientAccumulationSteps();
    precision = from.precision();
    activationCheckpointing = from.activationCheckpointing();
    saveEvery = from.saveEvery();
    evalEvery = from.evalEvery();
    logEvery = from.logEvery();
    checkpointDir = from.checkpointDir();
    keepLast = from.keepLast();
    keepBest = from.keepBest();
    samples = from::samples;
    sharding = from.sharding();
    seed = from.seed();
  }

  /** Reads every key of the {@code training} section, and refuses the others. */
  static TrainingConfig read(ConfigSection section, Consumer<String> notes) {
    TrainingConfigBuilder values = new TrainingConfigBuilder();
    values.readOptimization(section);
    values.readRhythm(section);
    refuseWhatIsNotBuilt(section);
    tellWhatHasNoEffect(section, notes);
    return section.build(values::build);
  }

  private void readOptimization(ConfigSection section) {
    learningRate = section.number("learning_rate", learningRate);
    weightDecay = section.number("weight_decay", weightDecay);
    beta1 = section.number("beta1", beta1);
    beta2 = section.number("beta2", beta2);
    gradClip = section.number("grad_clip", gradClip);
    warmupSteps = section.integer("warmup_steps", warmupSteps);
    maxSteps = section.integer("max_steps", maxSteps);
    lrSchedule = section.choice("lr_schedule", LearningRateSchedule.Kind.class, lrSchedule);
    wsdDecayShare = section.number("wsd_decay_share", wsdDecayShare);
    minLrRatio = section.number("min_lr_ratio", minLrRatio);
    betaKl = section.number("beta_kl", betaKl);
    kappaFreeBits = section.number("kappa_free_bits", kappaFreeBits);
    klWarmupSteps = section.integer("kl_warmup_steps", klWarmupSteps);
    remedies = CollapseRemedies.read(section);
    emaDecay = section.number("ema_decay", emaDecay);
  }

  private void readRhythm(ConfigSection section) {
    batchSize = section.integer("batch_size", batchSize);
    gradientAccumulationSteps =
        section.integer("gradient_accumulation_steps", gradientAccumulationSteps);
    precision = section.choice("precision", Precision.class, precision);
    activationCheckpointing = section.flag("activation_checkpointing", activationCheckpointing);
    saveEvery = section.integer("save_every", saveEvery);
    evalEvery = section.integer("eval_every", evalEvery);
    logEvery = section.integer("log_every", logEvery);
    checkpointDir = section.text("checkpoint_dir", checkpointDir);
    keepLast = section.integer("keep_last", keepLast);
    keepBest = section.integer("keep_best", keepBest);
    samples = SampleConfig.read(section);
    sharding = ShardingConfig.read(section);
    seed = section.longInteger("seed", seed);
  }

  private static void refuseWhatIsNotBuilt(ConfigSection section) {
    section.onlyBuilt("use_deepspeed", false, "nor will be: the sharding key is use_fsdp");
    section.onlyEmpty("deepspeed_config", "the sharding keys are use_fsdp and fsdp_config");
  }

  private static void tellWhatHasNoEffect(ConfigSection section, Consumer<String> notes) {
    for (String key : WANDB) {
      if (!section.text(key, "").isEmpty()) {
        notes.accept(
            "training.%s has no effect: metrics go to metrics.jsonl and to TensorBoard's files in the run folder"
                .formatted(key));
      }
    }
  }

  /**
   * The checked configuration.
   *
   * @throws org.freetransformer.config.ConfigException if a value is wrong
   */
  public TrainingConfig build() {
    return new TrainingConfig(
        learningRate,
        weightDecay,
        beta1,
        beta2,
        gradClip,
        warmupSteps,
        maxSteps,
        lrSchedule,
        wsdDecayShare,
        minLrRatio,
        betaKl,
        kappaFreeBits,
        klWarmupSteps,
        remedies.get(),
        emaDecay,
        batchSize,
        gradientAccumulationSteps,
        precision,
        activationCheckpointing,
        saveEvery,
        evalEvery,
        logEvery,
        checkpointDir,
        keepLast,
        keepBest,
        samples.get(),
        sharding,
        seed);
  }

  /** Peak rate of AdamW. */
  public TrainingConfigBuilder learningRate(double value) {
    learningRate = value;
    return this;
  }

  /** Decoupled decay. */
  public TrainingConfigBuilder weightDecay(double value) {
    weightDecay = value;
    return this;
  }

  /** Decay of the first moment. */
  public TrainingConfigBuilder beta1(double value) {
    beta1 = value;
    return this;
  }

  /** Decay of the second moment. */
  public TrainingConfigBuilder beta2(double value) {
    beta2 = value;
    return this;
  }

  /** Largest global norm of the gradient; 0 clips nothing. */
  public TrainingConfigBuilder gradClip(double value) {
    gradClip = value;
    return this;
  }

  /** Optimizer steps of linear warm-up. */
  public TrainingConfigBuilder warmupSteps(int value) {
    warmupSteps = value;
    return this;
  }

  /** Optimizer steps in all. */
  public TrainingConfigBuilder maxSteps(int value) {
    maxSteps = value;
    return this;
  }

  /** How the rate falls after the warm-up. */
  public TrainingConfigBuilder lrSchedule(LearningRateSchedule.Kind value) {
    lrSchedule = value;
    return this;
  }

  /** Share of the steps after the warm-up in which a wsd schedule decays. */
  public TrainingConfigBuilder wsdDecayShare(double value) {
    wsdDecayShare = value;
    return this;
  }

  /** The last rate as a share of the peak. */
  public TrainingConfigBuilder minLrRatio(double value) {
    minLrRatio = value;
    return this;
  }

  /** Weight β of the KL term. */
  public TrainingConfigBuilder betaKl(double value) {
    betaKl = value;
    return this;
  }

  /** Free bits κ, in nats per token. */
  public TrainingConfigBuilder kappaFreeBits(double value) {
    kappaFreeBits = value;
    return this;
  }

  /** Steps over which β rises from 0. */
  public TrainingConfigBuilder klWarmupSteps(int value) {
    klWarmupSteps = value;
    return this;
  }

  /** What may keep the plan from collapsing. */
  public TrainingConfigBuilder remedies(CollapseRemedies value) {
    remedies = () -> value;
    return this;
  }

  /** Decay per step of the weights' running average; 0 for none. */
  public TrainingConfigBuilder emaDecay(double value) {
    emaDecay = value;
    return this;
  }

  /** Sequences in one micro-batch. */
  public TrainingConfigBuilder batchSize(int value) {
    batchSize = value;
    return this;
  }

  /** Micro-batches in one optimizer step. */
  public TrainingConfigBuilder gradientAccumulationSteps(int value) {
    gradientAccumulationSteps = value;
    return this;
  }

  /** Which numbers of a step are of 16 bits. */
  public TrainingConfigBuilder precision(Precision value) {
    precision = value;
    return this;
  }

  /** Whether the backward pass computes each block's activations again. */
  public TrainingConfigBuilder activationCheckpointing(boolean value) {
    activationCheckpointing = value;
    return this;
  }

  /** Steps between checkpoints. */
  public TrainingConfigBuilder saveEvery(int value) {
    saveEvery = value;
    return this;
  }

  /** Steps between evaluations. */
  public TrainingConfigBuilder evalEvery(int value) {
    evalEvery = value;
    return this;
  }

  /** Steps between log lines. */
  public TrainingConfigBuilder logEvery(int value) {
    logEvery = value;
    return this;
  }

  /** Run folder used where the command line names none. */
  public TrainingConfigBuilder checkpointDir(String value) {
    checkpointDir = value;
    return this;
  }

  /** Newest checkpoints to keep. */
  public TrainingConfigBuilder keepLast(int value) {
    keepLast = value;
    return this;
  }

  /** Checkpoints to keep for their held-out bound. */
  public TrainingConfigBuilder keepBest(int value) {
    keepBest = value;
    return this;
  }

  /** What the model writes at each evaluation. */
  public TrainingConfigBuilder samples(SampleConfig value) {
    samples = () -> value;
    return this;
  }

  /** How it is spread over ranks, where there are several. */
  public TrainingConfigBuilder sharding(ShardingConfig value) {
    sharding = value;
    return this;
  }

  /** Of the weights, dropout and plan samples. */
  public TrainingConfigBuilder seed(long value) {
    seed = value;
    return this;
  }
}
