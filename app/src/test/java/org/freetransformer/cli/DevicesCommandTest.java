package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;

class DevicesCommandTest {
  @Test
  void listsWhatCanCompute() {
    JsonNode devices = ft("devices", "--json").json().path("devices");
    assertThat(devices.findValuesAsText("id")).startsWith("cpu", "scalar", "opencl:0");
    assertThat(devices.at("/2/available").asBoolean()).isFalse();
    assertThat(devices.at("/2/why_not").asText()).contains("TornadoVM");
    assertThat(devices.at("/0/available").asBoolean()).isTrue();
    assertThat(devices.at("/0/memory").asLong()).isGreaterThan(1L << 28);
    assertThat(ft("devices").out()).contains("vectors", "plain loops");
  }
}
