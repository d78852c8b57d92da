package org.freetransformer.bench.suite;

import java.util.List;

/** A family of cases. */
public sealed interface Suite
    permits DecodeSuite, GemmSuite, GpuSuite, KernelSuite, MapperSuite, ShardSuite, StepSuite {
  /** All suites, in the order in which they are run. */
  List<Suite> ALL =
      List.of(
          new GemmSuite(),
          new KernelSuite(),
          new MapperSuite(),
          new StepSuite(),
          new DecodeSuite(),
          new ShardSuite(),
          new GpuSuite());

  /** The suites of a run that names none: ranks and devices are measured only where asked for. */
  List<Suite> UNASKED =
      ALL.stream()
          .filter(suite -> !(suite instanceof ShardSuite || suite instanceof GpuSuite))
          .toList();

  /** Its name on the command line. */
  String name();

  /** The cases of a thorough run. */
  List<String> cases();

  /** Those of a quick run, of two minutes for all suites that need not be asked for. */
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

  /**
   * The suite of a name.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Suite named(String name) {
    return ALL.stream()
        .filter(suite -> suite.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no suite is named '%s'".formatted(name)));
  }
}
