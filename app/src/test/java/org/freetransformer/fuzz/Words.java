package org.freetransformer.fuzz;

import java.util.List;
import java.util.stream.Stream;

/** Pieces that a fuzzer puts into files. */
final class Words {
  static final List<String> JSON =
      List.of(
          "null",
          "true",
          "-1",
          "0",
          "1e999",
          "NaN",
          "4294967296",
          "9223372036854775808",
          "9".repeat(60),
          "\"",
          "\\u0000",
          "\\ud800",
          "{",
          "}",
          "[",
          "]",
          ",",
          ":",
          "\n",
          "{\"a\":",
          "[[[[",
          "../outside");

  /** Opcodes of pickles, and short pieces that often go together. */
  static final List<String> PICKLE =
      List.of(
          "]",
          ")",
          "}",
          "(",
          "t",
          "e",
          "u",
          "a",
          "s",
          "d",
          "l",
          "0",
          "1",
          "N",
          "\u0088",
          "\u0085",
          "\u0086",
          "\u0087",
          "R",
          "b",
          "Q",
          ".",
          "q\0",
          "h\0",
          "q\1",
          "h\1",
          "\u0094",
          "K\1",
          "K\4",
          "J\u00ff\u00ff\u00ff\u00ff",
          "\u008a\10\0\0\0\0\0\0\0\100",
          "M\0\1",
          "G\177\u00f0\0\0\0\0\0\0",
          "X\1\0\0\0000",
          "X\7\0\0\0storage",
          "X\3\0\0\0cpu",
          "ctorch\nFloatStorage\n",
          "ctorch\nBFloat16Storage\n",
          "ccollections\nOrderedDict\n)R",
          "ctorch._utils\n_rebuild_tensor_v2\n",
          "ctorch\nSize\n",
          "cos\nsystem\n",
          "cbuiltins\neval\n",
          "\u0093",
          "\u0095\0\0\0\0\0\0\0\0",
          "\u0080\2",
          "\u0080\5");

  private Words() {}

  static List<String> jsonAnd(String... more) {
    return Stream.concat(JSON.stream(), Stream.of(more)).toList();
  }
}
