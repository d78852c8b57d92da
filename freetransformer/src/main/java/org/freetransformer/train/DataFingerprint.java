package org.freetransformer.train;

import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.freetransformer.checkpoint.CheckpointException;
import org.freetransformer.checkpoint.PartState;
import org.freetransformer.checkpoint.StatefulPart;
import org.freetransformer.checkpoint.TensorSource;
import org.freetransformer.data.Batches;
import org.freetransformer.data.Dataset;
import org.freetransformer.data.Split;

/**
 * Tells a run's data from other data: by the number of held-out examples, as training may be
 * endless, and the sum of its first batch. A folder may move between two halves of a run, but not
 * change.
 */
final class DataFingerprint implements StatefulPart {
  private static final String EXAMPLES = "validation_examples";
  private static final String FIRST_BATCH = "first_batch_crc32";

  private final long examples;
  private final long firstBatch;

  DataFingerprint(Dataset dataset, Batches training) {
    CRC32 sum = new CRC32();
    for (int token : training.at(0).tokens()) {
      for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
        sum.update(token >>> shift);
      }
    }
    examples = dataset.size(Split.VALIDATION);
    firstBatch = sum.getValue();
  }

  @Override
  public String name() {
    return "data";
  }

  @Override
  public Map<String, Object> numbers() {
    return Map.of(EXAMPLES, examples, FIRST_BATCH, firstBatch);
  }

  @Override
  public List<TensorSource> tensors() {
    return List.of();
  }

  @Override
  public void restore(PartState saved) {
    long before = saved.whole(EXAMPLES);
    if (before != examples) {
      throw new CheckpointException(
          "data",
          "has %d held-out examples, and had %d when the run was saved; a run goes on only with the data it began with"
              .formatted(examples, before));
    }
    if (saved.whole(FIRST_BATCH) != firstBatch) {
      throw new CheckpointException(
          "data",
          "its first batch is not the one of the saved run; a run goes on only with the data it"
              + " began with");
    }
  }
}
