package org.freetransformer.bench.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PyTorchTest {
  @TempDir private Path folder;

  @Test
  void asksForTheVersion() throws IOException {
    PyTorch.Found found = PyTorch.find(python("echo 9.9.1+cu1 True"));
    assertThat(found).isEqualTo(new PyTorch.Found("9.9.1+cu1", true));
    assertThat(found.isThere("cuda:0")).isTrue();
    assertThat(found.describe("cuda:0")).isEqualTo("PyTorch 9.9.1+cu1 on its cuda:0");
  }

  @Test
  void isNotThereWithoutPythonOrCuda() throws IOException {
    assertThat(PyTorch.find("no-such-python").isThere("cpu")).isFalse();
    assertThat(PyTorch.find(python("exit 1")).describe("cpu")).startsWith("no PyTorch");
    PyTorch.Found processorOnly = PyTorch.find(python("echo 9.9 False"));
    assertThat(processorOnly.isThere("cpu")).isTrue();
    assertThat(processorOnly.isThere("cuda:0")).isFalse();
    assertThat(processorOnly.describe("cuda:0")).isEqualTo("PyTorch 9.9, which has no CUDA");
  }

  @Test
  void computesOnceForEachCall() throws IOException {
    Path calls = folder.resolve("calls");
    String python =
        python(
            "echo ready; while read line; do echo $3 $4 $5 $6 $7 >> '%s'; echo done; done"
                .formatted(calls));
    try (PyTorch side = PyTorch.start(python, "eager", "cpu", 3, List.of("softmax", "8"))) {
      side.run();
      side.run();
    }
    assertThat(calls).hasContent("eager cpu 3 softmax 8\neager cpu 3 softmax 8\n");
  }

  @Test
  void isNoPeerOfWhatItCannotCompute() throws IOException {
    String python = python("echo one >&2; echo no compiler >&2; exit 1");
    assertThatThrownBy(() -> PyTorch.start(python, "compiled", "cpu", 1, List.of("x", "8")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("PyTorch (compiled) cannot compute x 8: no compiler");
  }

  @Test
  void failsWhenTheProcessEnds() throws IOException {
    try (PyTorch side = PyTorch.start(python("echo ready"), "eager", "cpu", 1, List.of("x"))) {
      assertThatThrownBy(side::run).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void theScriptComputesEveryOperation() {
    PyTorch.Found found = PyTorch.find();
    assumeTrue(found.isThere("cpu"), () -> "not run: " + found.describe("cpu"));
    // Before 2.0 it has no scaled_dot_product_attention to call.
    assumeTrue(
        !found.version().matches("[01]\\..*"),
        () -> "not run: needs PyTorch 2, this is " + found.version());
    for (String words :
        List.of(
            "gemm tn 6 5 7",
            "linear 8 6 4",
            "attention 2 8 2 4",
            "rmsnorm 8 6",
            "swiglu 8 6",
            "rope 2 8 2 4",
            "cross-entropy 8 10",
            "embedding 8 10 6",
            "softmax 8 10",
            "dropout 8 6",
            "mapper 4 3 6",
            "adamw 100",
            "step 8 2 16 2 20 2 4")) {
      try (PyTorch side = PyTorch.start("eager", "cpu", 1, List.of(words.split(" ", -1)))) {
        side.run();
      }
    }
  }

  /** A program that takes Python's place; its first arguments are {@code -u} and the script. */
  private String python(String body) throws IOException {
    Path program = folder.resolve("python");
    Files.writeString(program, "#!/bin/sh\n" + body + "\n");
    assertThat(program.toFile().setExecutable(true)).isTrue();
    return program.toString();
  }
}
