package org.freetransformer.bench.limit;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.freetransformer.tensor.device.simd.ThreadTeam;

/**
 * Multiply-adds on registers and nothing else, on every thread: the arithmetic limit. Twelve
 * independent chains are enough to hide the latency of two units.
 */
public final class FmaLoop implements Runnable, AutoCloseable {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int CHAINS = 12;
  private static final int FLOPS_PER_PASS = CHAINS * 2 * SPECIES.length();
  private static final int PASSES_PER_CALL = 10_000;

  /** Enough that a thread that is held up leaves its work to others. */
  private static final int BLOCKS = 32;

  private final ThreadTeam team;
  private final long passes;
  private final float[] results;

  /** A loop of {@code flops} floating-point operations, two a multiply-add, shared by threads. */
  public FmaLoop(double flops, int threads) {
    this.team = new ThreadTeam(threads);
    this.passes = Math.round(flops / FLOPS_PER_PASS / BLOCKS);
    this.results = new float[threads];
  }

  /** Bits of the vectors that are used here and by the SIMD device. */
  public static int vectorBits() {
    return SPECIES.vectorBitSize();
  }

  @Override
  public void run() {
    team.run(
        BLOCKS,
        (_, worker) -> {
          float sum = 0;
          for (long left = passes; left > 0; left -= PASSES_PER_CALL) {
            sum += multiplyAdds((int) Math.min(left, PASSES_PER_CALL), 1 - left * 1e-12f);
          }
          results[worker] = sum;
        });
  }

  private static float multiplyAdds(int passes, float start) {
    FloatVector x = FloatVector.broadcast(SPECIES, start);
    FloatVector a = x;
    FloatVector b = x;
    FloatVector c = x;
    FloatVector d = x;
    FloatVector e = x;
    FloatVector f = x;
    FloatVector g = x;
    FloatVector h = x;
    FloatVector i = x;
    FloatVector j = x;
    FloatVector k = x;
    FloatVector l = x;
    for (int pass = 0; pass < passes; pass++) {
      a = a.fma(x, x);
      b = b.fma(x, x);
      c = c.fma(x, x);
      d = d.fma(x, x);
      e = e.fma(x, x);
      f = f.fma(x, x);
      g = g.fma(x, x);
      h = h.fma(x, x);
      i = i.fma(x, x);
      j = j.fma(x, x);
      k = k.fma(x, x);
      l = l.fma(x, x);
    }
    return a.add(b).add(c).add(d).add(e).add(f).lane(0)
        + g.add(h).add(i).add(j).add(k).add(l).lane(0);
  }

  @Override
  public void close() {
    team.close();
  }
}
