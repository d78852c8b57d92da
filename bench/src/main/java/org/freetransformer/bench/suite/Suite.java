package org.freetransformer.bench.suite;

import java.util.List;

/** A family of cases. */
public sealed interface Suite permits DecodeSuite, GemmSuite, KernelSuite, MapperSuite, StepSuite {
  /** All suites, in the order in which they are run. */
  List<Suite> ALL =
      List.of(
          new GemmSuite(),
          new KernelSuite(),
          new MapperSuite(),
          new StepSuite(),
          new DecodeSuite());

  /** Its name on the command line. */
  String name();

  /** The cases of a thorough run. */
  List<String> cases();

  /** Those of a run of two minutes for all suites. */
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
