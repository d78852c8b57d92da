package org.freetransformer.bench.oracle;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** An oracle of its own for each test, which is skipped where libtorch is missing. */
abstract class OracleTestBase {
  Oracle oracle;

  @BeforeEach
  final void openOracle() {
    oracle = new Oracle();
  }

  @AfterEach
  final void closeOracle() {
    oracle.close();
  }
}
