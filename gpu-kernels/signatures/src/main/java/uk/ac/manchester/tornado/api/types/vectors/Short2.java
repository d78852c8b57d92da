package uk.ac.manchester.tornado.api.types.vectors;

/** Two numbers of 16 bits. */
public final class Short2 {
  private final short x;
  private final short y;

  /** Of these. */
  public Short2(short x, short y) {
    this.x = x;
    this.y = y;
  }

  /** The first. */
  public short getX() {
    return x;
  }

  /** The second. */
  public short getY() {
    return y;
  }
}
