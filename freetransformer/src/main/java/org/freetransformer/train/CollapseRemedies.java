package org.freetransformer.train;

import static org.freetransformer.config.Limits.between;
import static org.freetransformer.config.Limits.positive;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.freetransformer.config.ConfigException;
import org.freetransformer.config.ConfigSection;

/**
 * What may keep a plan from collapsing, that is, from never being used. All are off in {@link
 * #NONE}; {@code docs/results/collapse.md} tells which help.
 *
 * @param kappaSchedule how the free bits come to their value κ
 * @param kappaStart free bits in nats per token at the first step of a linear schedule
 * @param kappaScheduleSteps optimizer steps until a linear schedule arrives at κ
 * @param targetKl KL in nats per token that plans are drawn to from both sides
 * @param targetKlWeight how strongly; 0 not at all
 * @param encoderLrRatio learning rate of the plan encoder as a multiple of the others'
 * @param deadBitSteps steps after each of which dead bits are drawn anew; 0 for never
 * @param deadBitKl a bit is dead if its mean KL over these steps is under this, in nats
 */
public record CollapseRemedies(
    KappaSchedule kappaSchedule,
    double kappaStart,
    int kappaScheduleSteps,
    double targetKl,
    double targetKlWeight,
    double encoderLrRatio,
    int deadBitSteps,
    double deadBitKl) {

  /** How the free bits come to their value. */
  public enum KappaSchedule {
    /** They have it from the first step. */
    CONSTANT,
    /** On a straight line from another. */
    LINEAR
  }

  /** None of them. */
  public static final CollapseRemedies NONE =
      new CollapseRemedies(KappaSchedule.CONSTANT, 0.6931, 0, 0.3466, 0, 1, 0, 1e-4);

  /**
   * Checks every number.
   *
   * @throws ConfigException naming the first key that is wrong
   */
  public CollapseRemedies {
    between("kappa_start", kappaStart, 0, 100);
    between("kappa_schedule_steps", kappaScheduleSteps, 0, TrainingConfig.MAX_STEPS);
    between("target_kl", targetKl, 0, 100);
    between("target_kl_weight", targetKlWeight, 0, 1e6);
    positive("encoder_lr_ratio", encoderLrRatio, 1000);
    between("dead_bit_steps", deadBitSteps, 0, TrainingConfig.MAX_STEPS);
    between("dead_bit_kl", deadBitKl, 0, Math.log(2));
    if (kappaSchedule == KappaSchedule.LINEAR && kappaScheduleSteps == 0) {
      throw new ConfigException(
          "kappa_schedule_steps", "is 0: a linear kappa_schedule takes 1 step or more");
    }
  }

  /** The same with free bits that go from {@code start} to κ over some steps. */
  public CollapseRemedies withKappaFrom(double start, int steps) {
    return new CollapseRemedies(
        KappaSchedule.LINEAR,
        start,
        steps,
        targetKl,
        targetKlWeight,
        encoderLrRatio,
        deadBitSteps,
        deadBitKl);
  }

  /** The same with a target of the KL. */
  public CollapseRemedies withTargetKl(double target, double weight) {
    return new CollapseRemedies(
        kappaSchedule,
        kappaStart,
        kappaScheduleSteps,
        target,
        weight,
        encoderLrRatio,
        deadBitSteps,
        deadBitKl);
  }

  /** The same with another learning rate of the encoder. */
  public CollapseRemedies withEncoderLrRatio(double ratio) {
    return new CollapseRemedies(
        kappaSchedule,
        kappaStart,
        kappaScheduleSteps,
        targetKl,
        targetKlWeight,
        ratio,
        deadBitSteps,
        deadBitKl);
  }

  /** The same with dead bits drawn anew. */
  public CollapseRemedies withDeadBitReset(int steps, double kl) {
    return new CollapseRemedies(
        kappaSchedule,
        kappaStart,
        kappaScheduleSteps,
        targetKl,
        targetKlWeight,
        encoderLrRatio,
        steps,
        kl);
  }

  /**
   * The free bits of a step.
   *
   * @param kappa their last value
   * @param step from 1
   */
  double kappaAt(double kappa, long step) {
    if (kappaSchedule == KappaSchedule.CONSTANT || step >= kappaScheduleSteps) {
      return kappa;
    }
    return kappaStart + (kappa - kappaStart) * step / kappaScheduleSteps;
  }

  /** Takes the keys of the {@code training} section; what comes is checked when it is asked for. */
  static Supplier<CollapseRemedies> read(ConfigSection section) {
    KappaSchedule schedule =
        section.choice("kappa_schedule", KappaSchedule.class, NONE.kappaSchedule);
    double start = section.number("kappa_start", NONE.kappaStart);
    int scheduleSteps = section.integer("kappa_schedule_steps", NONE.kappaScheduleSteps);
    double target = section.number("target_kl", NONE.targetKl);
    double weight = section.number("target_kl_weight", NONE.targetKlWeight);
    double ratio = section.number("encoder_lr_ratio", NONE.encoderLrRatio);
    int deadSteps = section.integer("dead_bit_steps", NONE.deadBitSteps);
    double deadKl = section.number("dead_bit_kl", NONE.deadBitKl);
    return () ->
        new CollapseRemedies(
            schedule, start, scheduleSteps, target, weight, ratio, deadSteps, deadKl);
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("kappa_schedule", ConfigSection.nameOf(kappaSchedule));
    map.put("kappa_start", kappaStart);
    map.put("kappa_schedule_steps", kappaScheduleSteps);
    map.put("target_kl", targetKl);
    map.put("target_kl_weight", targetKlWeight);
    map.put("encoder_lr_ratio", encoderLrRatio);
    map.put("dead_bit_steps", deadBitSteps);
    map.put("dead_bit_kl", deadBitKl);
    return map;
  }
}
