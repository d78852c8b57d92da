package org.freetransformer.tensor.device.simd;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Kernel;

/**
 * Products of a single row that follow each other and do not touch each other's results, such as
 * those for query, key and value of a token: the team meets once for all of them.
 */
final class JoinedProducts implements Kernel, ThreadTeam.Task {
  private final ThreadTeam team;
  private final RowProduct[] products;

  // The first part of each, counted over all, and at the end their number.
  private final int[] first;

  private JoinedProducts(ThreadTeam team, List<RowProduct> products) {
    this.team = team;
    this.products = products.toArray(RowProduct[]::new);
    first = new int[this.products.length + 1];
    for (int i = 0; i < this.products.length; i++) {
      first[i + 1] = first[i] + this.products[i].parts();
    }
  }

  /**
   * The kernels of a program, in order, with one in place of each run of products that can be
   * joined.
   *
   * @param kernels of the instructions, one each
   */
  static List<Kernel> in(List<Instruction> instructions, List<Kernel> kernels, ThreadTeam team) {
    List<Kernel> joined = new ArrayList<>();
    for (int i = 0; i < kernels.size(); ) {
      List<RowProduct> run = new ArrayList<>();
      int end = i;
      while (end < kernels.size()
          && kernels.get(end) instanceof RowProduct product
          && product.isSmall()
          && isFree(instructions.get(end), instructions.subList(i, end))) {
        run.add(product);
        end++;
      }
      joined.add(run.size() > 1 ? new JoinedProducts(team, run) : kernels.get(i));
      i = Math.max(end, i + 1);
    }
    return joined;
  }

  /**
   * Whether an instruction neither reads nor overwrites what others write, nor they what it does.
   */
  private static boolean isFree(Instruction instruction, List<Instruction> others) {
    return others.stream()
        .noneMatch(other ->
            overlap(instruction.writes(), other.reads())
                || overlap(instruction.writes(), other.writes())
                || overlap(instruction.reads(), other.writes()));
  }

  private static boolean overlap(List<Buffer> some, List<Buffer> others) {
    return some.stream().anyMatch(one -> others.stream().anyMatch(other -> overlap(one, other)));
  }

  /** By addresses: in a program, what is no longer needed shares its place. */
  private static boolean overlap(Buffer one, Buffer other) {
    MemorySegment memory = Memory.of(one);
    return memory.asOverlappingSlice(Memory.of(other)).isPresent();
  }

  @Override
  public void run() {
    for (RowProduct product : products) {
      product.begin();
    }
    team.run(first[products.length], this);
  }

  @Override
  public void run(int index, int worker) {
    int product = 0;
    while (index >= first[product + 1]) {
      product++;
    }
    products[product].run(index - first[product], worker);
  }
}
