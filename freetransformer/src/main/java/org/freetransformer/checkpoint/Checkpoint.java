package org.freetransformer.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A complete checkpoint on the disk.
 *
 * @param folder {@code checkpoints/step-N}
 * @param state where the run stood
 */
public record Checkpoint(Path folder, CheckpointState state) {

  /** Name of a tokenizer's file, here and in folders of tokens and of Hugging Face's models. */
  public static final String TOKENIZER = "tokenizer.json";

  static final String MODEL = "model.safetensors";
  static final String OPTIMIZER = "optimizer.safetensors";
  static final String PARTS = "parts.safetensors";
  static final String STATE = "state.json";

  /** What a checkpoint is opened for, and so how much of it must be whole. */
  public enum Use {
    /** The weights alone, whose checksum is compared later: see {@link #verifyWeights}. */
    UNVERIFIED_WEIGHTS,
    /** The weights alone. */
    WEIGHTS,
    /** To go on with the run. */
    RESUME
  }

  /**
   * Opens a folder after checking that its files are there and are what was written, by their
   * checksums. Folders of format 1 have none: there the files' structure is checked.
   *
   * @throws CheckpointException naming the first file that is not
   */
  public static Checkpoint open(Path folder, Use use) {
    Checkpoint checkpoint = new Checkpoint(folder, CheckpointState.read(folder.resolve(STATE)));
    if (checkpoint.hasChecksums()) {
      checkpoint.verify(use);
    }
    checkpoint.openModel().close();
    if (use == Use.RESUME) {
      checkpoint.openOptimizer().close();
    }
    return checkpoint;
  }

  /** Whether a folder looks like a checkpoint. */
  public static boolean isOne(Path folder) {
    return Files.exists(folder.resolve(STATE));
  }

  /** Whether its format has checksums: the first one had none. */
  public boolean hasChecksums() {
    return state.formatVersion() >= CheckpointState.FIRST_WITH_CHECKSUMS;
  }

  private void verify(Use use) {
    Checksums sums = Checksums.read(folder);
    sums.verify(STATE);
    if (use != Use.UNVERIFIED_WEIGHTS) {
      sums.verify(MODEL);
    }
    if (sums.lists(TOKENIZER)) {
      sums.verify(TOKENIZER);
    }
    if (use == Use.RESUME) {
      sums.verify(OPTIMIZER);
      sums.verify(PARTS);
    }
  }

  /**
   * Compares the checksum of the weights in a folder, if its format has checksums.
   *
   * @throws CheckpointException if they are not what was written
   */
  public static void verifyWeights(Path folder) {
    if (new Checkpoint(folder, CheckpointState.read(folder.resolve(STATE))).hasChecksums()) {
      Checksums.read(folder).verify(MODEL);
    }
  }

  /** The weights, mapped into memory. */
  public SafeTensors openModel() {
    return SafeTensors.open(folder.resolve(MODEL));
  }

  /** The optimizer's moments, mapped into memory. */
  public SafeTensors openOptimizer() {
    return SafeTensors.open(folder.resolve(OPTIMIZER));
  }

  /** The states of a run's parts, mapped into memory. */
  SafeTensors openParts() {
    return SafeTensors.open(folder.resolve(PARTS));
  }

  /**
   * Gives parts of a run their states back.
   *
   * @throws CheckpointException if one has none here, or one here belongs to none
   */
  public void restore(List<? extends StatefulPart> parts) {
    if (!hasChecksums()) {
      return; // In format 1 no part had a state.
    }
    try (SafeTensors file = openParts()) {
      PartsFile.restore(file, parts);
    }
  }
}
