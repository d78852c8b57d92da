package org.freetransformer.tensor.device.simd;

import org.freetransformer.tensor.device.Kernel;

/** A matrix product made ready for one of the ways to compute it: what all of them hold. */
abstract class ProductKernel implements Kernel {
  final ThreadTeam team;
  final GemmScratch[] scratch;
  final GemmShape shape;
  final StridedMatrix a;
  final StridedMatrix b;
  final StridedMatrix c;
  final float alpha;
  final boolean accumulate;

  /**
   * Takes a product apart.
   *
   * @param scratch of each member of the team
   */
  ProductKernel(ThreadTeam team, GemmScratch[] scratch, Product product) {
    this.team = team;
    this.scratch = scratch;
    shape = product.shape();
    a = product.a();
    b = product.b();
    c = product.c();
    alpha = product.alpha();
    accumulate = product.accumulate();
  }
}
