package org.freetransformer.bench.suite;

import java.util.List;

/** A family of cases. */
public sealed interface Suite
    permits DecodeSuite,
        FreeSuite,
        GemmSuite,
        GpuSuite,
        JlamaSuite,
        KernelSuite,
        MapperSuite,
        ShardSuite,
        StepSuite {
  /** Its name on the command line. */
  String name();

  /** What stands beside ours. */
  default Peers peers() {
    return Peers.LIBRARIES;
  }

  /** The cases of a thorough run. */
  List<String> cases();

  /** Those of a quick run, of some minutes for all suites that need not be asked for. */
  List<String> quickCases();

  /** Options that a case's JVM needs beyond those of all. */
  default List<String> options(String name) {
    return List.of();
  }

  /**
   * Makes operands and prepares all sides.
   *
   * @param name one of the cases
   * @throws IllegalArgumentException if there is no such case, or no such device
   */
  Contest open(String name, Place place);
}
