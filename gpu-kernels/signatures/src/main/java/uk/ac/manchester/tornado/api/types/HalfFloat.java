package uk.ac.manchester.tornado.api.types;

/** A number of 16 bits; in a fragment, of either type. */
public class HalfFloat {
  private final short bits;

  /** Of these bits. */
  public HalfFloat(short halfFloat) {
    bits = halfFloat;
  }

  /** Its bits. */
  public short getHalfFloatValue() {
    return bits;
  }
}
