package org.freetransformer.gpu;

/** System properties that are {@code on}, if not given, or {@code off}. */
final class Switch {
  private Switch() {}

  /**
   * Whether a property is {@code on}.
   *
   * @throws IllegalArgumentException if it is neither {@code on} nor {@code off}
   */
  static boolean isOn(String property) {
    String setting = System.getProperty(property, "on");
    return switch (setting) {
      case "on" -> true;
      case "off" -> false;
      default ->
          throw new IllegalArgumentException(
              "-D%s=%s: allowed are on and off".formatted(property, setting));
    };
  }
}
