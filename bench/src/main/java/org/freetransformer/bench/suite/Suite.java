package org.freetransformer.bench.suite;

import java.util.List;

/** A family of cases. */
public sealed interface Suite
    permits DecodeSuite, GemmSuite, KernelSuite, MapperSuite, ShardSuite, StepSuite {
  /** All suites, in the order in which they are run. */
  List<Suite> ALL =
      List.of(
          new GemmSuite(),
          new KernelSuite(),
          new MapperSuite(),
          new StepSuite(),
          new DecodeSuite(),
          new ShardSuite());

  /** The suites of a run that names none: ranks are measured only where they are asked for. */
  List<Suite> UNASKED = ALL.stream().filter(suite -> !(suite instanceof ShardSuite)).toList();

  /** Its name on the command line. */
  String name();

  /** The cases of a thorough run. */
  List<String> cases();

  /** Those of a quick run, of two minutes for all suites that need not be asked for. */
  List<String> quickCases();

  /**
   * Makes operands and prepares all sides.
   *
   * @param name one of the cases
   * @throws IllegalArgumentException if there is no such case
   */
  Contest open(String name, int threads);

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
