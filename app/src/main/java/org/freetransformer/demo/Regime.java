package org.freetransformer.demo;

/** The models of the demonstration: a baseline, and the paper's four allowances of free bits. */
public enum Regime {
  /** No plan at all. */
  BASELINE("baseline", "baseline", "plan-letters-baseline.yaml", Double.NaN),
  /** Too little for anything. */
  TINY("kappa-ln2-64", "κ = ln2/64", "plan-letters.yaml", Math.log(2) / 64),
  /** Enough for the run's position. */
  SMALL("kappa-ln2-8", "κ = ln2/8", "plan-letters.yaml", Math.log(2) / 8),
  /** Enough for the position and the noise. */
  LARGE("kappa-ln2", "κ = ln2", "plan-letters.yaml", Math.log(2)),
  /** Enough for the whole sequence. */
  HUGE("kappa-8-ln2", "κ = 8·ln2", "plan-letters.yaml", 8 * Math.log(2)),
  /** One small model, trained for a moment, with the allowance of {@link #SMALL}. */
  QUICK("quick", "κ = ln2/8, quick", "plan-letters-quick.yaml", Math.log(2) / 8);

  private final String folder;
  private final String label;
  private final String preset;
  private final double kappa;

  Regime(String folder, String label, String preset, double kappa) {
    this.folder = folder;
    this.label = label;
    this.preset = preset;
    this.kappa = kappa;
  }

  /** Name of its run folder. */
  public String folder() {
    return folder;
  }

  /** Name for people. */
  public String label() {
    return label;
  }

  /** File in {@code configs} that it is trained with. */
  public String preset() {
    return preset;
  }

  /** Whether the model has a plan. */
  public boolean hasPlan() {
    return this != BASELINE;
  }

  /** Free bits κ in nats per character; NaN for the baseline. */
  public double kappa() {
    return kappa;
  }
}
