package org.freetransformer.gpu;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * One work item an element. Args: {@link Views} with the output first, then {@code [accumulate,
 * function]}.
 */
@SuppressWarnings("IfChainToSwitch") // Chains become selects; a switch becomes jumps.
final class ElementwiseKernels {
  private ElementwiseKernels() {}

  static void fillFloats(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      floats.set(Views.at(args, 0, i), a);
    }
  }

  /** Value: args[end of the view]. */
  static void fillInts(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      ints.set(Views.at(args, 0, i), args.get(Views.FIRST + Views.SIZE));
    }
  }

  /** {@code a·x + b}, which also copies. */
  static void affine(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int out = Views.at(args, 0, i);
      float y = a * floats.get(Views.at(args, 1, i)) + b;
      Scalars.put(floats, out, y, args.get(Views.FIRST + 2 * Views.SIZE));
    }
  }

  static void copyInts(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int out = Views.at(args, 0, i);
      int y = ints.get(Views.at(args, 1, i));
      if (args.get(Views.FIRST + 2 * Views.SIZE) != 0) {
        y += ints.get(out);
      }
      ints.set(out, y);
    }
  }

  static void intsToFloats(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int out = Views.at(args, 0, i);
      float y = (float) ints.get(Views.at(args, 1, i));
      Scalars.put(floats, out, y, args.get(Views.FIRST + 2 * Views.SIZE));
    }
  }

  /** Truncates; a sum is made in f32 first, as on the other devices. */
  static void floatsToInts(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int out = Views.at(args, 0, i);
      float y = floats.get(Views.at(args, 1, i));
      if (args.get(Views.FIRST + 2 * Views.SIZE) != 0) {
        y += (float) ints.get(out);
      }
      ints.set(out, (int) y);
    }
  }

  /** Function: ordinal of {@code UnaryFunction}. */
  static void unary(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int end = Views.FIRST + 2 * Views.SIZE;
      int out = Views.at(args, 0, i);
      float x = floats.get(Views.at(args, 1, i));
      Scalars.put(floats, out, value(args.get(end + 1), x), args.get(end));
    }
  }

  /** Views: dx, x, dy. */
  static void unaryBackward(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int end = Views.FIRST + 3 * Views.SIZE;
      int out = Views.at(args, 0, i);
      float x = floats.get(Views.at(args, 1, i));
      float dy = floats.get(Views.at(args, 2, i));
      Scalars.put(floats, out, slope(args.get(end + 1), x) * dy, args.get(end));
    }
  }

  private static float value(int function, float x) {
    float y = 0;
    if (function == 0) {
      y = -x;
    } else if (function == 1) {
      y = TornadoMath.abs(x);
    } else if (function == 2) {
      y = TornadoMath.exp(x);
    } else if (function == 3) {
      y = TornadoMath.log(x);
    } else if (function == 4) {
      y = TornadoMath.sqrt(x);
    } else if (function == 5) {
      y = x * x;
    } else if (function == 6) {
      y = 1f / x;
    } else if (function == 7) {
      y = TornadoMath.tanh(x);
    } else if (function == 8) {
      y = Scalars.sigmoid(x);
    } else if (function == 9) {
      y = x * Scalars.sigmoid(x);
    } else if (function == 10) {
      y = x <= 0f ? 0f : x; // NaN stays.
    } else {
      y = Scalars.softplus(x);
    }
    return y;
  }

  private static float slope(int function, float x) {
    float y = 0;
    if (function == 0) {
      y = -1f;
    } else if (function == 1) {
      y = x > 0f ? 1f : (x < 0f ? -1f : 0f);
    } else if (function == 2) {
      y = TornadoMath.exp(x);
    } else if (function == 3) {
      y = 1f / x;
    } else if (function == 4) {
      y = 0.5f / TornadoMath.sqrt(x);
    } else if (function == 5) {
      y = 2f * x;
    } else if (function == 6) {
      y = -1f / (x * x);
    } else if (function == 7) {
      // 1 − tanh², without its cancellation: 4·σ(2x)·σ(−2x).
      y = 4f * Scalars.sigmoid(2f * x) * Scalars.sigmoid(-2f * x);
    } else if (function == 8) {
      y = Scalars.sigmoid(x) * Scalars.sigmoid(-x);
    } else if (function == 9) {
      y = Scalars.sigmoid(x) * (1f + x * Scalars.sigmoid(-x));
    } else if (function == 10) {
      y = x > 0f ? 1f : 0f;
    } else {
      y = Scalars.sigmoid(x);
    }
    return y;
  }

  /** Function: ordinal of {@code BinaryFunction}; f32 operands. */
  static void binary(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int end = Views.FIRST + 3 * Views.SIZE;
      int out = Views.at(args, 0, i);
      float x = floats.get(Views.at(args, 1, i));
      float y = floats.get(Views.at(args, 2, i));
      Scalars.put(floats, out, combined(args.get(end + 1), x, y), args.get(end));
    }
  }

  private static float combined(int function, float x, float y) {
    float z = 0;
    if (function == 0) {
      z = x + y;
    } else if (function == 1) {
      z = x - y;
    } else if (function == 2) {
      z = x * y;
    } else if (function == 3) {
      z = x / y;
    } else if (function == 4) {
      z = Scalars.max(x, y);
    } else if (function == 5) {
      z = Scalars.min(x, y);
    } else if (function == 6) {
      z = x == y ? 1f : 0f;
    } else if (function == 7) {
      z = x != y ? 1f : 0f;
    } else if (function == 8) {
      z = x > y ? 1f : 0f;
    } else {
      z = x < y ? 1f : 0f;
    }
    return z;
  }

  /** Comparisons of i32 operands, with an f32 result. */
  static void compareInts(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int end = Views.FIRST + 3 * Views.SIZE;
      int out = Views.at(args, 0, i);
      int x = ints.get(Views.at(args, 1, i));
      int y = ints.get(Views.at(args, 2, i));
      int function = args.get(end + 1);
      float z = 0f;
      if (function == 6) {
        z = x == y ? 1f : 0f;
      } else if (function == 7) {
        z = x != y ? 1f : 0f;
      } else if (function == 8) {
        z = x > y ? 1f : 0f;
      } else {
        z = x < y ? 1f : 0f;
      }
      Scalars.put(floats, out, z, args.get(end));
    }
  }

  /** Views: out, condition, a, b. */
  static void choose(
      KernelContext c,
      FloatArray floats,
      IntArray ints,
      ShortArray halves,
      IntArray args,
      float a,
      float b) {
    int i = c.globalIdx;
    if (i < args.get(0)) {
      int out = Views.at(args, 0, i);
      float condition = floats.get(Views.at(args, 1, i));
      float x = floats.get(Views.at(args, 2, i));
      float y = floats.get(Views.at(args, 3, i));
      Scalars.put(floats, out, condition != 0f ? x : y, args.get(Views.FIRST + 4 * Views.SIZE));
    }
  }
}
