package org.freetransformer.bench.suite;

/** What is counted per second. */
public enum Unit {
  /** Useful floating-point operations, in billions. */
  GFLOPS("GFLOP/s", 1e9),
  /** Bytes that have to be read and written once, in billions. */
  GIGABYTES("GB/s", 1e9),
  /** Tokens. */
  TOKENS("tokens/s", 1);

  private final String label;
  private final double size;

  Unit(String label, double size) {
    this.label = label;
    this.size = size;
  }

  /** The unit for people. */
  public String label() {
    return label;
  }

  /** A rate in this unit from an amount of work and the seconds that it took. */
  public double rate(double amount, double seconds) {
    return amount / size / seconds;
  }
}
