package org.freetransformer.tensor.device.simd;

import static jdk.incubator.vector.VectorOperators.B2F;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer whose weight is held in 8 bits or in bf16, for many rows: a prompt. Some outputs'
 * weights at a time are widened, into memory that stays in the cache, and then multiplied as any
 * others of f32. Few rows do not pay for that: see {@link QuantizedLinear} and {@link SkinnyGemm}.
 */
final class WidenedLinear implements Kernel, ThreadTeam.Task {
  private static final VectorSpecies<Byte> BYTES = bytes();
  private static final int PARTS = BYTES.length() / Lanes.COUNT;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  /** Bytes of weights in f32 that are widened at a time. */
  private static final int PIECE_BYTES = 1 << 20;

  /** A piece has whole panels of every width that tiles have. */
  private static final int PANELS = 96;

  private static final int OUTPUTS_PER_TASK = 16;

  private final ThreadTeam team;
  private final StridedMatrix weight;
  private final @Nullable MemorySegment scales;
  private final MemorySegment wide;
  private final int depth;
  private final int outputs;
  private final int outputsPerPiece;
  private final List<Kernel> products = new ArrayList<>();
  private int piece;

  /**
   * Prepares a product that {@link #suits}.
   *
   * @param wide room of {@link #room}, which others may use between runs
   * @param scales what each output's weights are multiplied by, if they are of 8 bits
   */
  WidenedLinear(
      ThreadTeam team,
      Gemm gemm,
      MemorySegment wide,
      Product product,
      @Nullable MemorySegment scales) {
    this.team = team;
    this.wide = wide;
    this.scales = scales;
    weight = product.b();
    depth = product.shape().k();
    outputs = product.shape().n();
    outputsPerPiece = outputsPerPiece(depth);
    StridedMatrix w = new StridedMatrix(wide, 0, 0, 1, depth);
    StridedMatrix c = product.c();
    for (int first = 0; first < outputs; first += outputsPerPiece) {
      int width = Math.min(outputsPerPiece, outputs - first);
      GemmShape shape = new GemmShape(1, product.shape().m(), width, depth);
      long offset = c.offset() + first * c.columnStride();
      StridedMatrix y = new StridedMatrix(c.memory(), offset, 0, c.rowStride(), c.columnStride());
      products.add(
          gemm.prepare(
              new Product(shape, product.a(), w, y, product.alpha(), product.accumulate())));
    }
  }

  /**
   * Whether the number of rows pays for widening a weight whose numbers of an output lie one after
   * the other.
   */
  static boolean suits(Product product) {
    GemmShape shape = product.shape();
    DType type = product.b().type();
    return (type == DType.I8 || type == DType.BF16)
        && !product.a().isHalf()
        && !product.c().isHalf()
        && product.b().rowStride() == 1
        && shape.batch() == 1
        && shape.m() > SkinnyGemm.MAX_ROWS
        && shape.k() > 0;
  }

  /** Bytes of room for the widened part of a weight. */
  static long room(Product product) {
    int depth = product.shape().k();
    return (long) outputsPerPiece(depth) * depth * Float.BYTES;
  }

  private static int outputsPerPiece(int depth) {
    return Math.max(1, PIECE_BYTES / Float.BYTES / depth / PANELS) * PANELS;
  }

  /** As many numbers as a vector of f32 has, or twice as many where no vector is so short. */
  private static VectorSpecies<Byte> bytes() {
    int bits = Math.max(Long.SIZE, Lanes.COUNT * Byte.SIZE);
    return VectorSpecies.of(byte.class, VectorShape.forBitSize(bits));
  }

  @Override
  public void run() {
    for (piece = 0; piece < products.size(); piece++) {
      team.run(Math.ceilDiv(width(), OUTPUTS_PER_TASK), this);
      products.get(piece).run();
    }
  }

  private int width() {
    return Math.min(outputsPerPiece, outputs - piece * outputsPerPiece);
  }

  @Override
  public void run(int task, int worker) {
    int end = Math.min(width(), (task + 1) * OUTPUTS_PER_TASK);
    for (int row = task * OUTPUTS_PER_TASK; row < end; row++) {
      int output = piece * outputsPerPiece + row;
      long from = weight.start(0) + output * weight.columnBytes();
      long to = (long) row * depth * Float.BYTES;
      if (scales == null) {
        Halves.widen(weight.type(), weight.memory(), from, depth, wide, to);
      } else {
        float scale = Memory.floatAt(scales, output);
        widen(weight.memory(), from, depth, scale, wide, to);
      }
    }
  }

  private static void widen(
      MemorySegment weight, long from, int n, float scale, MemorySegment wide, long to) {
    int i = 0;
    for (; i < BYTES.loopBound(n); i += BYTES.length()) {
      ByteVector steps = ByteVector.fromMemorySegment(BYTES, weight, from + i, ORDER);
      for (int part = 0; part < PARTS; part++) {
        FloatVector w = (FloatVector) steps.convertShape(B2F, Lanes.SPECIES, part);
        Lanes.store(w.mul(scale), wide, to + 4L * (i + part * Lanes.COUNT));
      }
    }
    for (; i < n; i++) {
      float w = scale * weight.get(ValueLayout.JAVA_BYTE, from + i);
      wide.set(Memory.FLOAT, to + 4L * i, w);
    }
  }
}
