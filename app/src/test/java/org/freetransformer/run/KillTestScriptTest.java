package org.freetransformer.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A few rounds of {@code scripts/kill-test}; docs/training/resume.md has the counts of many. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the script is for bash")
@Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KillTestScriptTest {
  @TempDir private Path folder;

  /** Stands for ./ft, with this test's class path. */
  private Path command() throws IOException {
    String java = OwnJvm.java();
    Path script =
        Files.writeString(
            folder.resolve("ft"),
            """
            #!/usr/bin/env bash
            exec '%s' --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED \\
              -Xmx256m -XX:+UseSerialGC $FT_JAVA_OPTS -cp '%s' org.freetransformer.cli.Main "$@"
            """
                .formatted(java, System.getProperty("java.class.path")));
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    return script;
  }

  @Test
  void nothingIsLostByKills() throws Exception {
    Path script = Path.of("../scripts/kill-test").toAbsolutePath();
    ProcessBuilder builder =
        new ProcessBuilder(
            "bash",
            script.toString(),
            "--kills",
            "3",
            "--steps",
            "40",
            "--seed",
            "5",
            "--dir",
            folder.resolve("work").toString());
    builder.environment().put("FT", command().toString());
    Process process = builder.redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output)
        .contains("equal to the run that never stopped", "kills 3: ", "damaged 0")
        .containsPattern("finished runs equal bit for bit (\\d+) of \\1");
  }
}
