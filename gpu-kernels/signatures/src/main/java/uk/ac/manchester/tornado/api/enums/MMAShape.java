package uk.ac.manchester.tornado.api.enums;

/** Sizes of a product on tensor cores. */
public enum MMAShape {
  /** 16 × 16 times 16 × 8, of 16 bits. */
  M16N8K16
}
