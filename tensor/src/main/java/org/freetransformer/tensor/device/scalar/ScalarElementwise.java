package org.freetransformer.tensor.device.scalar;

import org.freetransformer.tensor.device.BinaryFunction;
import org.freetransformer.tensor.device.Instruction.Affine;
import org.freetransformer.tensor.device.Instruction.Binary;
import org.freetransformer.tensor.device.Instruction.Copy;
import org.freetransformer.tensor.device.Instruction.Fill;
import org.freetransformer.tensor.device.Instruction.Select;
import org.freetransformer.tensor.device.Instruction.SwiGlu;
import org.freetransformer.tensor.device.Instruction.SwiGluBackward;
import org.freetransformer.tensor.device.Instruction.Unary;
import org.freetransformer.tensor.device.Instruction.UnaryBackward;
import org.freetransformer.tensor.device.Kernel;
import org.freetransformer.tensor.device.UnaryFunction;
import org.jspecify.annotations.Nullable;

/** Each output element is a function of the input elements of the same index. */
final class ScalarElementwise {
  private ScalarElementwise() {}

  static Kernel fill(Fill op) {
    Elements out = new Elements(op.out());
    double value = op.value();
    return () -> {
      for (long i = 0; i < out.size(); i++) {
        out.set(i, value);
      }
    };
  }

  static Kernel copy(Copy op) {
    Elements in = new Elements(op.in());
    Result out = new Result(op.out());
    return () -> {
      for (long i = 0; i < out.size(); i++) {
        out.put(i, in.get(i));
      }
    };
  }

  static Kernel affine(Affine op) {
    Elements in = new Elements(op.in());
    Result out = new Result(op.out());
    double scale = op.scale();
    double shift = op.shift();
    return () -> {
      for (long i = 0; i < out.size(); i++) {
        out.put(i, scale * in.get(i) + shift);
      }
    };
  }

  static Kernel unary(Unary op) {
    Elements in = new Elements(op.in());
    Result out = new Result(op.out());
    UnaryFunction function = op.function();
    return () -> {
      for (long i = 0; i < out.size(); i++) {
        out.put(i, function.value(in.get(i)));
      }
    };
  }

  static Kernel unaryBackward(UnaryBackward op) {
    Elements x = new Elements(op.x());
    Elements dy = new Elements(op.dy());
    Result dx = new Result(op.dx());
    UnaryFunction function = op.function();
    return () -> {
      for (long i = 0; i < dx.size(); i++) {
        dx.put(i, function.derivative(x.get(i)) * dy.get(i));
      }
    };
  }

  static Kernel binary(Binary op) {
    Elements a = new Elements(op.a());
    Elements b = new Elements(op.b());
    Result out = new Result(op.out());
    BinaryFunction function = op.function();
    return () -> {
      for (long i = 0; i < out.size(); i++) {
        out.put(i, function.value(a.get(i), b.get(i)));
      }
    };
  }

  static Kernel select(Select op) {
    Elements condition = new Elements(op.condition());
    Elements a = new Elements(op.a());
    Elements b = new Elements(op.b());
    Result out = new Result(op.out());
    return () -> {
      for (long i = 0; i < out.size(); i++) {
        out.put(i, condition.get(i) != 0 ? a.get(i) : b.get(i));
      }
    };
  }

  static Kernel swiGlu(SwiGlu op) {
    Elements gate = new Elements(op.gate());
    Elements up = new Elements(op.up());
    Result out = new Result(op.out());
    return () -> {
      for (long i = 0; i < out.size(); i++) {
        out.put(i, UnaryFunction.SILU.value(gate.get(i)) * up.get(i));
      }
    };
  }

  static Kernel swiGluBackward(SwiGluBackward op) {
    Elements gate = new Elements(op.gate());
    Elements up = new Elements(op.up());
    Elements dy = new Elements(op.dy());
    @Nullable Result dgate = op.dgate() == null ? null : new Result(op.dgate());
    @Nullable Result dup = op.dup() == null ? null : new Result(op.dup());
    return () -> {
      for (long i = 0; i < dy.size(); i++) {
        double g = gate.get(i);
        double u = up.get(i);
        double d = dy.get(i);
        if (dgate != null) {
          dgate.put(i, d * u * UnaryFunction.SILU.derivative(g));
        }
        if (dup != null) {
          dup.put(i, d * UnaryFunction.SILU.value(g));
        }
      }
    };
  }
}
