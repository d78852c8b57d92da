package org.freetransformer.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is said of a TornadoVM that does not start. */
class TornadoVmDevicesTest {
  private static final String DRIVER = "libcuda.so.1: cannot open shared object file";

  private static void assertReason(Error failure, @Nullable String home, String reason) {
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            TornadoVmDevices.started(
                () -> {
                  throw failure;
                },
                home))
        .withMessage(reason)
        .withCause(failure);
  }

  @Test
  void withoutItsClassesSdkOrFlagsAreMissing() {
    Error absent =
        new NoClassDefFoundError("uk/ac/manchester/tornado/api/runtime/TornadoRuntimeProvider");
    assertReason(
        absent,
        null,
        "TORNADOVM_HOME is not set: install TornadoVM's SDK for JDK 25, and set it to the SDK's"
            + " folder");
    assertReason(
        absent,
        "/opt/tornadovm",
        "this JVM was started without TornadoVM's flags: ./ft sets them, or see"
            + " scripts/tornado-flags");
  }

  /**
   * With its classes it is the driver: a library that is not there, now and at the next attempt.
   */
  @Test
  void aDriverThatFailsIsNamedByItsOwnReason() {
    String reason = "TornadoVM does not start: " + DRIVER;
    Error library = new UnsatisfiedLinkError(DRIVER);
    Error first = new ExceptionInInitializerError(library);
    Error again =
        new NoClassDefFoundError("Could not initialize class uk.ac.manchester.tornado.Runtime");
    again.initCause(first);
    assertReason(library, "/opt/tornadovm", reason);
    assertReason(first, "/opt/tornadovm", reason);
    assertReason(again, "/opt/tornadovm", reason);
  }

  /** TornadoVM's own failures are errors, as {@code TornadoInternalError}. */
  @Test
  void anyErrorOfTheDriverIsAMessage() {
    assertReason(
        new Error("no platform"), "/opt/tornadovm", "TornadoVM does not start: no platform");
    assertReason(
        new Error("\u001B[1;31mno platform\u001B[0m"),
        "/opt/tornadovm",
        "TornadoVM does not start: no platform");
    assertReason(new StackOverflowError(), null, "TornadoVM does not start: StackOverflowError");
  }

  @Test
  void whatStartsIsGiven() {
    assertThat(TornadoVmDevices.started(() -> "a device", null)).isEqualTo("a device");
  }
}
