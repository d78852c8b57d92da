package org.freetransformer.tensor.device;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an {@link Instruction} does with which buffers, put together as a sentence: {@code
 * Work.from(a, b).to(out).inPlace(a).flops(n)}. Operands that are null are passed over.
 *
 * @param reads all buffers whose content is used, those that are accumulated into among them
 * @param writes all buffers whose content is changed
 * @param replaceable those that are read whose memory an output may take over, in order of choice
 * @param flops useful floating-point operations
 */
public record Work(List<Buffer> reads, List<Buffer> writes, List<Buffer> replaceable, long flops) {

  /** Work that reads buffers. */
  static Work from(@Nullable Buffer... inputs) {
    List<Buffer> reads = new ArrayList<>();
    for (Buffer input : inputs) {
      if (input != null) {
        reads.add(input);
      }
    }
    return new Work(Collections.unmodifiableList(reads), List.of(), List.of(), 0);
  }

  /** The same that also writes buffers. */
  Work to(List<Buffer> outputs) {
    return new Work(reads, with(writes, outputs), replaceable, flops);
  }

  /** The same that also writes a buffer. */
  Work to(Buffer output) {
    return to(List.of(output));
  }

  /** The same that also writes an output, and reads it if it adds to it. */
  Work to(@Nullable Output output) {
    if (output == null) {
      return this;
    }
    List<Buffer> buffer = List.of(output.buffer());
    List<Buffer> read = output.accumulate() ? with(reads, buffer) : reads;
    return new Work(read, with(writes, buffer), replaceable, flops);
  }

  /** The same with operands whose memory an output may take over. */
  Work inPlace(Buffer... operands) {
    return new Work(reads, writes, List.of(operands), flops);
  }

  /** The same with so many useful floating-point operations. */
  Work flops(long operations) {
    return new Work(reads, writes, replaceable, operations);
  }

  private static List<Buffer> with(List<Buffer> first, List<Buffer> second) {
    if (first.isEmpty()) {
      return second;
    }
    List<Buffer> all = new ArrayList<>(first);
    all.addAll(second);
    return Collections.unmodifiableList(all);
  }
}
