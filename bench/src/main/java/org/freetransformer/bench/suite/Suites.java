package org.freetransformer.bench.suite;

import java.util.List;

/** The suites there are. */
public final class Suites {
  /** All suites, in the order in which they are run. */
  public static final List<Suite> ALL =
      List.of(
          new GemmSuite(),
          new KernelSuite(),
          new MapperSuite(),
          new StepSuite(),
          new FreeSuite(),
          new DecodeSuite(),
          new ShardSuite(),
          new JlamaSuite(),
          new GpuSuite());

  /** The suites of a run that names none: ranks are measured only where asked for. */
  public static final List<Suite> UNASKED =
      ALL.stream()
          .filter(suite -> suite.peers() == Peers.LIBRARIES && !(suite instanceof ShardSuite))
          .toList();

  private Suites() {}

  /**
   * The suite of a name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Suite named(String name) {
    return ALL.stream()
        .filter(suite -> suite.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no suite is named '%s'".formatted(name)));
  }
}
