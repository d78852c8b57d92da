package org.freetransformer.nn.sharding;

/** A rank failed, and with it what the ranks were doing together. */
public final class RankFailure extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  /** Number of the rank that failed. */
  private final int rank;

  /** The failure of a rank, and why. */
  public RankFailure(int rank, Throwable cause) {
    super("rank %d failed: %s".formatted(rank, messageOf(cause)), cause);
    this.rank = rank;
  }

  /** The same failure where another rank learns of it. */
  RankFailure(RankFailure known) {
    super(known.getMessage(), known.getCause());
    this.rank = known.rank;
  }

  private static String messageOf(Throwable cause) {
    String message = cause.getMessage();
    return message == null ? cause.getClass().getSimpleName() : message;
  }

  /** The rank that failed first. */
  public int rank() {
    return rank;
  }
}
