package org.freetransformer.checkpoint;

import java.nio.file.Path;

/**
 * A complete checkpoint on the disk.
 *
 * @param folder {@code checkpoints/step-N}
 * @param state where the run stood
 */
public record Checkpoint(Path folder, CheckpointState state) {

  static final String MODEL = "model.safetensors";
  static final String OPTIMIZER = "optimizer.safetensors";
  static final String STATE = "state.json";

  /**
   * Opens a folder after checking that all three files are there and whole.
   *
   * @throws CheckpointException naming the first file that is not
   */
  public static Checkpoint open(Path folder) {
    CheckpointState state = CheckpointState.read(folder.resolve(STATE));
    Checkpoint checkpoint = new Checkpoint(folder, state);
    checkpoint.openModel().close();
    checkpoint.openOptimizer().close();
    return checkpoint;
  }

  /** The weights, mapped into memory. */
  public SafeTensors openModel() {
    return SafeTensors.open(folder.resolve(MODEL));
  }

  /** The optimizer's moments, mapped into memory. */
  public SafeTensors openOptimizer() {
    return SafeTensors.open(folder.resolve(OPTIMIZER));
  }
}
