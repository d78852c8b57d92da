package uk.ac.manchester.tornado.api.math;

/** Functions of a device, in f32. */
public class TornadoMath {
  private TornadoMath() {}

  /** The larger one. */
  public static float max(float a, float b) {
    return Math.max(a, b);
  }

  /** |a|. */
  public static float abs(float a) {
    return Math.abs(a);
  }

  /** e^value. */
  public static float exp(float value) {
    return (float) Math.exp(value);
  }

  /** Natural logarithm. */
  public static float log(float value) {
    return (float) Math.log(value);
  }

  /** √value. */
  public static float sqrt(float value) {
    return (float) Math.sqrt(value);
  }

  /** Hyperbolic tangent. */
  public static float tanh(float value) {
    return (float) Math.tanh(value);
  }

  /** Sine. */
  public static float sin(float angle) {
    return (float) Math.sin(angle);
  }

  /** Cosine. */
  public static float cos(float angle) {
    return (float) Math.cos(angle);
  }
}
