package org.freetransformer.plots;

import java.awt.Color;

/** Colours that stay apart for colour-blind readers (Okabe and Ito, 2008), and greys. */
final class Palette {
  static final Color BLUE = new Color(0x00, 0x72, 0xB2);
  static final Color ORANGE = new Color(0xE6, 0x9F, 0x00);
  static final Color GREEN = new Color(0x00, 0x9E, 0x73);
  static final Color VERMILION = new Color(0xD5, 0x5E, 0x00);
  static final Color PURPLE = new Color(0xCC, 0x79, 0xA7);
  static final Color SKY = new Color(0x56, 0xB4, 0xE9);

  static final Color INK = new Color(0x22, 0x22, 0x22);
  static final Color QUIET = new Color(0x66, 0x66, 0x66);
  static final Color GRID = new Color(0xE4, 0xE4, 0xE4);
  static final Color PAPER = Color.WHITE;

  private Palette() {}

  /** Colours for series, in the order of drawing. */
  static Color[] series() {
    return new Color[] {BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY};
  }
}
