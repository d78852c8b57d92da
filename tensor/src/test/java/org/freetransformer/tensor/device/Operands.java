package org.freetransformer.tensor.device;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.freetransformer.tensor.BFloat16;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;

/**
 * Random operands on one device. The same seed makes the same operands, byte by byte, on any
 * device. What lies around a buffer's elements is random bytes, so that a kernel that reads or
 * writes them is found out.
 */
final class Operands implements AutoCloseable {
  /** One, odd numbers, around vector lengths; larger ones now and then. */
  private static final int[] SIZES = {1, 2, 3, 4, 5, 7, 8, 11, 13, 15, 16, 17, 23, 31, 32, 33, 37};

  private static final int[] LARGE_SIZES = {63, 64, 65, 97, 100, 128, 131};

  private final Device device;
  private final SplittableRandom random;
  private final List<Buffer> buffers = new ArrayList<>();
  private final List<byte[]> contents = new ArrayList<>();

  Operands(Device device, long seed) {
    this.device = device;
    this.random = new SplittableRandom(seed);
  }

  // ---- Choices ----

  boolean chance(double probability) {
    return random.nextDouble() < probability;
  }

  int between(int low, int high) {
    return random.nextInt(low, high + 1);
  }

  <T> T oneOf(T[] values) {
    return values[random.nextInt(values.length)];
  }

  DType oneOf(DType first, DType... others) {
    int i = random.nextInt(others.length + 1);
    return i == 0 ? first : others[i - 1];
  }

  /** An awkward size of 1 or more, at most {@code max}. */
  int size(int max) {
    int[] sizes = chance(0.2) ? LARGE_SIZES : SIZES;
    return Math.min(sizes[random.nextInt(sizes.length)], max);
  }

  /** An awkward size that is sometimes 0. */
  int count(int max) {
    return chance(0.06) ? 0 : size(max);
  }

  /** Rank 0 to 4, at most about 10,000 elements; sometimes one long dimension. */
  int[] dims() {
    if (chance(0.05)) {
      return new int[] {between(20_000, 70_000)};
    }
    int[] dims = new int[between(0, 4)];
    int left = 10_000;
    for (int i = 0; i < dims.length; i++) {
      dims[i] = count(left);
      left /= Math.max(1, dims[i]);
    }
    return dims;
  }

  /** Usually f32; f64 now and then, which every device takes. */
  DType floating() {
    return chance(0.1) ? DType.F64 : DType.F32;
  }

  /** The types of an instruction's operands: all alike usually, or each of 16 or 32 bits. */
  Supplier<DType> types() {
    return types(floating());
  }

  /** Usually the given one; where that is f32, now and then each of 16 or 32 bits by itself. */
  Supplier<DType> types(DType one) {
    boolean mixed = one == DType.F32 && chance(0.4);
    return () -> mixed ? oneOf(DType.F32, DType.BF16, DType.F16) : one;
  }

  // ---- Values ----

  double[] normal(long count) {
    return random.doubles(count, 1e-12, 1).map(Operands::normalAt).toArray();
  }

  /** A symmetric bell: what exactly it is does not matter to a test. */
  private static double normalAt(double u) {
    return Math.log(u / (1 - u + 1e-12)) / 1.7;
  }

  double[] uniform(long count, double low, double high) {
    return random.doubles(count, low, high).toArray();
  }

  /** Whole numbers from {@code low} to {@code high}, both included. */
  double[] integers(long count, int low, int high) {
    return random.ints(count, low, high + 1).asDoubleStream().toArray();
  }

  /** Logits of usual size, or now and then so large that careless formulas overflow. */
  double[] logits(long count) {
    double scale = chance(0.2) ? 100 : 1;
    return Arrays.stream(normal(count)).map(x -> Math.clamp(x * scale, -100, 100)).toArray();
  }

  // ---- Layouts ----

  /** Row-major without gaps, at a random offset. */
  Layout contiguous(int... dims) {
    Shape shape = Shape.of(dims);
    int offset = chance(0.5) ? 0 : between(1, 19);
    int size = Math.toIntExact(shape.size());
    return Layout.contiguous(Shape.of(offset + size)).narrow(0, offset, size).reshape(shape);
  }

  /** Axes in random order, with gaps; or without either. */
  Layout strided(int... dims) {
    return chance(0.4) ? contiguous(dims) : shuffled(dims, dims.length);
  }

  /** Like {@link #strided}, but the last axis keeps stride 1. */
  Layout rows(int... dims) {
    return chance(0.4) ? contiguous(dims) : shuffled(dims, dims.length - 1);
  }

  /** Like {@link #strided}, with some dimensions repeated by stride 0: for inputs. */
  Layout broadcast(int... dims) {
    int[] kept = dims.clone();
    for (int i = 0; i < kept.length; i++) {
      if (chance(0.15)) {
        kept[i] = 1;
      }
    }
    return strided(kept).broadcastTo(Shape.of(dims));
  }

  private Layout shuffled(int[] dims, int movable) {
    int rank = dims.length;
    int[] order = new int[rank];
    Arrays.setAll(order, i -> i);
    for (int i = movable - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    int[] padded = new int[rank];
    int[] back = new int[rank];
    for (int i = 0; i < rank; i++) {
      padded[i] = dims[order[i]] + (chance(0.3) ? between(1, 3) : 0);
      back[order[i]] = i;
    }
    Layout layout = contiguous(padded);
    for (int i = 0; i < rank; i++) {
      layout = layout.narrow(i, between(0, padded[i] - dims[order[i]]), dims[order[i]]);
    }
    return layout.permute(back);
  }

  // ---- Buffers ----

  /** A buffer of these values, counted row-major. */
  Buffer of(DType dtype, Layout layout, double[] values) {
    byte[] bytes = new byte[Math.toIntExact((layout.end() + between(0, 21)) * dtype.bytes())];
    random.nextBytes(bytes);
    long[] positions = positions(layout);
    for (int i = 0; i < positions.length; i++) {
      put(bytes, dtype, (int) positions[i], values[i]);
    }
    Storage storage = device.allocate(bytes.length, dtype, "test");
    device.write(storage, 0, MemorySegment.ofArray(bytes));
    Buffer buffer = new Buffer(storage, dtype, layout);
    buffers.add(buffer);
    contents.add(bytes);
    return buffer;
  }

  /** An input of normal values. */
  Buffer of(DType dtype, Layout layout) {
    return of(dtype, layout, normal(layout.shape().size()));
  }

  /** A buffer to be overwritten: full of random bytes, among them NaNs. */
  Buffer blank(DType dtype, Layout layout) {
    byte[] noise = new byte[8];
    random.nextBytes(noise);
    double[] values = new double[Math.toIntExact(layout.shape().size())];
    Arrays.setAll(values, i -> i % 3 == 0 ? Double.NaN : noise[i % 8]);
    return of(dtype, layout, values);
  }

  /** Overwritten, or added to. */
  Output output(DType dtype, Layout layout) {
    return chance(0.4) ? Output.addTo(of(dtype, layout)) : Output.to(blank(dtype, layout));
  }

  /** A random state. */
  Buffer rng() {
    return of(DType.I32, contiguous(4), integers(4, Integer.MIN_VALUE, Integer.MAX_VALUE - 1));
  }

  // ---- Looking ----

  /** All buffers, in the order in which they were made. */
  List<Buffer> buffers() {
    return buffers;
  }

  /** A buffer's elements now, counted row-major. */
  double[] values(Buffer buffer) {
    byte[] bytes = bytes(buffer);
    return Arrays.stream(positions(buffer.layout()))
        .mapToDouble(position -> get(bytes, buffer.dtype(), (int) position))
        .toArray();
  }

  /** Changes one element, counted row-major. */
  void set(Buffer buffer, int index, double value) {
    byte[] bytes = bytes(buffer);
    put(bytes, buffer.dtype(), (int) positions(buffer.layout())[index], value);
    device.write(buffer.storage(), 0, MemorySegment.ofArray(bytes));
  }

  /** A storage's bytes now. */
  byte[] bytes(Buffer buffer) {
    byte[] bytes = new byte[Math.toIntExact(buffer.storage().bytes())];
    device.read(buffer.storage(), 0, MemorySegment.ofArray(bytes));
    return bytes;
  }

  /** The bytes of buffer number {@code i} that changed though they are none of its elements. */
  BitSet strayBytes(int i, boolean written) {
    Buffer buffer = buffers.get(i);
    byte[] before = contents.get(i);
    byte[] now = bytes(buffer);
    BitSet stray = new BitSet();
    for (int at = 0; at < now.length; at++) {
      if (now[at] != before[at]) {
        stray.set(at);
      }
    }
    if (written) {
      int width = buffer.dtype().bytes();
      for (long position : positions(buffer.layout())) {
        stray.clear((int) position * width, ((int) position + 1) * width);
      }
    }
    return stray;
  }

  private static long[] positions(Layout layout) {
    long[] positions = {layout.offset()};
    for (int axis = 0; axis < layout.shape().rank(); axis++) {
      int dim = layout.shape().dim(axis);
      long stride = layout.stride(axis);
      long[] next = new long[positions.length * dim];
      for (int i = 0; i < next.length; i++) {
        next[i] = positions[i / dim] + i % dim * stride;
      }
      positions = next;
    }
    return positions;
  }

  private static double get(byte[] bytes, DType dtype, int position) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    int at = position * dtype.bytes();
    return switch (dtype) {
      case F64 -> buffer.getDouble(at);
      case F32 -> buffer.getFloat(at);
      case BF16 -> BFloat16.toFloat(buffer.getShort(at));
      case F16 -> Float.float16ToFloat(buffer.getShort(at));
      case I32 -> buffer.getInt(at);
      case U8 -> buffer.get(at) & 0xff;
      case I8 -> buffer.get(at);
    };
  }

  private static void put(byte[] bytes, DType dtype, int position, double value) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
    int at = position * dtype.bytes();
    switch (dtype) {
      case F64 -> buffer.putDouble(at, value);
      case F32 -> buffer.putFloat(at, (float) value);
      case BF16 -> buffer.putShort(at, BFloat16.fromFloat((float) value));
      case F16 -> buffer.putShort(at, Float.floatToFloat16((float) value));
      case I32 -> buffer.putInt(at, (int) value);
      case U8, I8 -> buffer.put(at, (byte) (int) value);
    }
  }

  @Override
  public void close() {
    buffers.forEach(buffer -> buffer.storage().close());
  }
}
