package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.device.BinaryFunction;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Indices;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/**
 * What {@link BinaryLoops}, {@link RmsNorm}, {@link Rope} and {@link SwiGlu} compute, in plain
 * loops over arrays and to the same bits. Operands are f32 without gaps.
 */
final class PlainLoops {
  private PlainLoops() {}

  private static boolean suit(boolean accumulate, Buffer... buffers) {
    return !accumulate
        && Arrays.stream(buffers).allMatch(one -> one.dtype() == DType.F32 && one.isContiguous());
  }

  static boolean suits(Instruction.Binary op) {
    return op.function() == BinaryFunction.ADD
        && suit(op.out().accumulate(), op.out().buffer(), op.a(), op.b());
  }

  static boolean suits(Instruction.RmsNorm op) {
    return suit(op.out().accumulate(), op.out().buffer(), op.x());
  }

  static boolean suits(Instruction.Rope op) {
    return suit(op.out().accumulate(), op.out().buffer(), op.x(), op.table());
  }

  static boolean suits(Instruction.SwiGlu op) {
    return suit(op.out().accumulate(), op.out().buffer(), op.gate(), op.up());
  }

  static Kernel sum(Instruction.Binary op, PlainScratch scratch) {
    MemorySegment a = Memory.of(op.a());
    MemorySegment b = Memory.of(op.b());
    MemorySegment out = Memory.of(op.out().buffer());
    int size = (int) op.a().size();
    return () -> {
      float[] sums = scratch.copy(0, a, size);
      float[] more = scratch.copy(1, b, size);
      for (int i = 0; i < size; i++) {
        sums[i] += more[i];
      }
      MemorySegment.copy(sums, 0, out, Memory.FLOAT, 0, size);
    };
  }

  static Kernel swiGlu(Instruction.SwiGlu op, PlainScratch scratch) {
    MemorySegment gate = Memory.of(op.gate());
    MemorySegment up = Memory.of(op.up());
    MemorySegment out = Memory.of(op.out().buffer());
    int size = (int) op.gate().size();
    return () -> {
      float[] gates = scratch.copy(0, gate, size);
      float[] ups = scratch.copy(1, up, size);
      for (int i = 0; i < size; i++) {
        gates[i] = gates[i] * ups[i] * ScalarMath.sigmoid(gates[i]);
      }
      MemorySegment.copy(gates, 0, out, Memory.FLOAT, 0, size);
    };
  }

  static Kernel rmsNorm(Instruction.RmsNorm op, PlainScratch scratch) {
    MemorySegment x = Memory.of(op.x());
    MemorySegment weight = Memory.of(op.weight());
    MemorySegment out = Memory.of(op.out().buffer());
    MemorySegment rstd = Memory.of(op.rstd());
    RowBlocks blocks = RowBlocks.of(op.x());
    int n = blocks.columns();
    return () -> {
      float[] rows = scratch.copy(0, x, blocks.rows() * n);
      float[] weights = scratch.copy(1, weight, n);
      float[] lanes = scratch.array(2, 2 * Lanes.COUNT);
      for (int row = 0; row < blocks.rows(); row++) {
        int at = row * n;
        float factor = RmsNorm.factor(squares(rows, at, n, lanes), n, op.epsilon());
        rstd.setAtIndex(Memory.FLOAT, row, factor);
        for (int i = 0; i < n; i++) {
          rows[at + i] = rows[at + i] * factor * weights[i];
        }
      }
      MemorySegment.copy(rows, 0, out, Memory.FLOAT, 0, blocks.rows() * n);
    };
  }

  /** Σ x²: two vectors' worth of sums in turn, of which the first takes what is left. */
  private static float squares(float[] x, int at, int n, float[] lanes) {
    Arrays.fill(lanes, 0, 2 * Lanes.COUNT, 0f);
    int whole = n - n % (2 * Lanes.COUNT);
    for (int i = 0; i < whole; i += 2 * Lanes.COUNT) {
      for (int lane = 0; lane < 2 * Lanes.COUNT; lane++) {
        float value = x[at + i + lane];
        lanes[lane] = Math.fma(value, value, lanes[lane]);
      }
    }
    for (int i = whole; i < n; i++) {
      float value = x[at + i];
      lanes[i % Lanes.COUNT] = Math.fma(value, value, lanes[i % Lanes.COUNT]);
    }
    return ScalarMath.sum(lanes, 2 * Lanes.COUNT);
  }

  static Kernel rope(Instruction.Rope op, PlainScratch scratch) {
    MemorySegment x = Memory.of(op.x());
    MemorySegment positions = Memory.of(op.positions());
    MemorySegment table = Memory.of(op.table());
    MemorySegment out = Memory.of(op.out().buffer());
    Layout places = op.positions().layout();
    int batch = op.x().dim(0);
    int times = op.x().dim(1);
    int row = op.x().dim(2) * op.x().dim(3);
    int size = op.x().dim(3);
    int known = op.table().dim(0);
    float direction = op.inverse() ? -1 : 1;
    return () -> {
      float[] turned = scratch.copy(0, x, batch * times * row);
      float[] angles = scratch.array(1, size);
      for (int i = 0; i < batch * times; i++) {
        long at = i / times * places.stride(0) + i % times * places.stride(1);
        long place = Indices.position(Memory.intAt(positions, at), i, known);
        MemorySegment.copy(table, Memory.FLOAT, place * size * Float.BYTES, angles, 0, size);
        for (int head = i * row; head < (i + 1) * row; head += size) {
          turn(turned, head, angles, size / 2, direction);
        }
      }
      MemorySegment.copy(turned, 0, out, Memory.FLOAT, 0, batch * times * row);
    };
  }

  private static void turn(float[] x, int at, float[] angles, int half, float direction) {
    for (int i = 0; i < half; i++) {
      float cos = angles[i];
      float sin = angles[half + i] * direction;
      float u = x[at + i];
      float v = x[at + half + i];
      x[at + i] = u * cos - v * sin;
      x[at + half + i] = v * cos + u * sin;
    }
  }
}
