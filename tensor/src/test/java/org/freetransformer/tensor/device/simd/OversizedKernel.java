package org.freetransformer.tensor.device.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** A kernel that C1 gives up: too many reads of single elements through a memory segment. */
final class OversizedKernel {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
  private static final MemorySegment MEMORY = Arena.global().allocate(4096, 64);

  private OversizedKernel() {}

  static void multiply() {
    FloatVector c0 = FloatVector.zero(SPECIES);
    FloatVector c1 = FloatVector.zero(SPECIES);
    FloatVector c2 = FloatVector.zero(SPECIES);
    FloatVector c3 = FloatVector.zero(SPECIES);
    FloatVector c4 = FloatVector.zero(SPECIES);
    FloatVector c5 = FloatVector.zero(SPECIES);
    FloatVector c6 = FloatVector.zero(SPECIES);
    FloatVector c7 = FloatVector.zero(SPECIES);
    FloatVector c8 = FloatVector.zero(SPECIES);
    FloatVector c9 = FloatVector.zero(SPECIES);
    FloatVector c10 = FloatVector.zero(SPECIES);
    FloatVector c11 = FloatVector.zero(SPECIES);
    FloatVector c12 = FloatVector.zero(SPECIES);
    FloatVector c13 = FloatVector.zero(SPECIES);
    FloatVector c14 = FloatVector.zero(SPECIES);
    FloatVector c15 = FloatVector.zero(SPECIES);
    FloatVector c16 = FloatVector.zero(SPECIES);
    FloatVector c17 = FloatVector.zero(SPECIES);
    FloatVector c18 = FloatVector.zero(SPECIES);
    FloatVector c19 = FloatVector.zero(SPECIES);
    FloatVector c20 = FloatVector.zero(SPECIES);
    FloatVector c21 = FloatVector.zero(SPECIES);
    FloatVector c22 = FloatVector.zero(SPECIES);
    FloatVector c23 = FloatVector.zero(SPECIES);
    for (int k = 0; k < 8; k++) {
      long at = (long) k * Float.BYTES;
      FloatVector b = FloatVector.fromMemorySegment(SPECIES, MEMORY, at, ORDER);
      c0 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 0)), c0);
      c1 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 4)), c1);
      c2 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 8)), c2);
      c3 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 12)), c3);
      c4 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 16)), c4);
      c5 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 20)), c5);
      c6 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 24)), c6);
      c7 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 28)), c7);
      c8 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 32)), c8);
      c9 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 36)), c9);
      c10 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 40)), c10);
      c11 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 44)), c11);
      c12 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 48)), c12);
      c13 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 52)), c13);
      c14 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 56)), c14);
      c15 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 60)), c15);
      c16 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 64)), c16);
      c17 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 68)), c17);
      c18 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 72)), c18);
      c19 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 76)), c19);
      c20 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 80)), c20);
      c21 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 84)), c21);
      c22 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 88)), c22);
      c23 = b.fma(FloatVector.broadcast(SPECIES, MEMORY.get(FLOAT, at + 92)), c23);
    }
    c0.add(c1)
        .add(c2)
        .add(c3)
        .add(c4)
        .add(c5)
        .add(c6)
        .add(c7)
        .add(c8)
        .add(c9)
        .add(c10)
        .add(c11)
        .add(c12)
        .add(c13)
        .add(c14)
        .add(c15)
        .add(c16)
        .add(c17)
        .add(c18)
        .add(c19)
        .add(c20)
        .add(c21)
        .add(c22)
        .add(c23)
        .intoMemorySegment(MEMORY, 0, ORDER);
  }
}
