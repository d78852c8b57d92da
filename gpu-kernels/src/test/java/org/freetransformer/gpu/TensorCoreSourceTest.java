package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * A kernel cannot be given the instruction that it multiplies by, so there is one for each type,
 * and nothing else tells them apart.
 */
class TensorCoreSourceTest {
  private static final Path SOURCE =
      Path.of("src/main/java/org/freetransformer/gpu/TensorCoreKernels.java");

  private static String method(String source, String name) {
    int begin = source.indexOf("  static void " + name + "(");
    assertThat(begin).as(name).isNotNegative();
    return source.substring(begin, source.indexOf("\n  }\n", begin));
  }

  @Test
  void bothTypesAreMultipliedInTheSameWay() throws IOException {
    String source = Files.readString(SOURCE);
    String f16 = method(source, "matMulF16");
    assertThat(f16).contains("c.mma(");
    assertThat(method(source, "matMulBf16"))
        .isEqualTo(f16.replace("matMulF16", "matMulBf16").replace("c.mma(", "c.mmaBF16("));
  }
}
