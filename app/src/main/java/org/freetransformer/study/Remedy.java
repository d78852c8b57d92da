package org.freetransformer.study;

import java.util.List;

/** What is tried against collapse, each as changes of the study's preset. */
public enum Remedy {
  /** Free bits alone. */
  PLAIN("plain"),
  /** The plan costs little at first. */
  KL_WARM_UP("KL warm-up", "kl_warmup_steps=200"),
  /** The plan may carry much at first. */
  KAPPA_SCHEDULE(
      "κ schedule", "kappa_schedule=linear", "kappa_start=0.6931", "kappa_schedule_steps=300"),
  /** The plan is pushed back into use; the target is κ. */
  TARGET_KL("target KL", "target_kl=%s", "target_kl_weight=1"),
  /** The encoder may keep up with the decoder. */
  ENCODER_RATE("encoder rate ×3", "encoder_lr_ratio=3"),
  /** Bits without use begin again. */
  DEAD_BITS("dead-bit reset", "dead_bit_steps=100", "dead_bit_kl=1.0e-3"),
  /** Two of them together. */
  WARM_UP_AND_RATE("KL warm-up, encoder rate ×3", "kl_warmup_steps=200", "encoder_lr_ratio=3");

  private final String label;

  @SuppressWarnings("ImmutableEnumChecker") // List.of makes it so.
  private final List<String> changes;

  Remedy(String label, String... changes) {
    this.label = label;
    this.changes = List.of(changes);
  }

  /** Name for people. */
  public String label() {
    return label;
  }

  /** What it changes in the section {@code training}, at κ free bits, as {@code --set} takes it. */
  public List<String> changes(double kappa) {
    return changes.stream()
        .map(change -> "training." + change.replace("%s", String.valueOf(kappa)))
        .toList();
  }
}
