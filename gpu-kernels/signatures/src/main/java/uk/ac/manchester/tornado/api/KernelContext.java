package uk.ac.manchester.tornado.api;

import java.util.function.IntToDoubleFunction;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.enums.MMAShape;
import uk.ac.manchester.tornado.api.types.HalfFloat;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** Where a work item stands, and what it shares with its group. */
public class KernelContext {
  /** Number of the work item. */
  public final Integer globalIdx;

  /** Number of its group. */
  public final Integer groupIdx;

  /** Its number within the group. */
  public final Integer localIdx;

  private final @Nullable WorkGroup group;
  private int allocations;

  /** Instructions so far that the item's warp executes together. */
  private int turn;

  /** A placeholder in a task's arguments: each work item gets a context of its own. */
  public KernelContext() {
    this(0, 0, 1, null);
  }

  KernelContext(int groupIdx, int localIdx, int groupSize, @Nullable WorkGroup group) {
    this.globalIdx = groupIdx * groupSize + localIdx;
    this.groupIdx = groupIdx;
    this.localIdx = localIdx;
    this.group = group;
  }

  /** Waits for all items of the group. */
  public void localBarrier() {
    requireGroup().await();
  }

  /** The group's array: the same one for every item's n-th allocation. */
  public float[] allocateFloatLocalArray(int size) {
    return (float[]) requireGroup().array(allocations++, () -> new float[size]);
  }

  /** The group's array: the same one for every item's n-th allocation. */
  public int[] allocateIntLocalArray(int size) {
    return (int[]) requireGroup().array(allocations++, () -> new int[size]);
  }

  // ---- Tensor cores: what a warp of 32 items does together ----

  /** A lane's part of 16 × 8 sums that begin at {@code v}. */
  public float[] mmaFragment(float v) {
    return new float[] {v, v, v, v};
  }

  /** A lane's part of 16 × 16 numbers, which lie row by row from {@code byteOffset} on. */
  public HalfFloat[] mmaLoadA(int[] aTile, int wmmaK, int byteOffset) {
    int matrix = lane() / 8;
    int row = matrix % 2 * 8 + lane() % 8;
    int rowAt = byteOffset + row * 32 + matrix / 2 * 16;
    return warp().load(turn++, lane(), aTile, rowAt, 4, false);
  }

  /** A lane's part of 16 × 8 numbers, which lie row by row from {@code byteOffset} on. */
  public HalfFloat[] mmaLoadB(int[] bTile, int wmmaK, int byteOffset) {
    int rowAt = byteOffset + lane() % 16 * 16;
    return warp().load(turn++, lane(), bTile, rowAt, 2, true);
  }

  /** {@code A × B + C} of fp16. */
  public float[] mma(HalfFloat[] fragA, HalfFloat[] fragB, float[] fragC, MMAShape mmaShape) {
    return multiply(fragA, fragB, fragC, bits -> Float.float16ToFloat((short) bits));
  }

  /** {@code A × B + C} of bf16. */
  public float[] mmaBF16(HalfFloat[] fragA, HalfFloat[] fragB, float[] fragC, MMAShape mmaShape) {
    return multiply(fragA, fragB, fragC, bits -> Float.intBitsToFloat(bits << 16));
  }

  private float[] multiply(
      HalfFloat[] fragA, HalfFloat[] fragB, float[] fragC, IntToDoubleFunction decoded) {
    return warp().multiply(turn++, lane(), fragA, fragB, fragC, decoded);
  }

  /** Stores a lane's part of 16 × 8 sums in a matrix of {@code dimN} columns. */
  public void mmaStore(float[] fragD, FloatArray c, int tileRow, int tileCol, int dimN) {
    for (int i = 0; i < 4; i++) {
      int row = tileRow + lane() / 4 + i / 2 * 8;
      int column = tileCol + lane() % 4 * 2 + i % 2;
      c.set(row * dimN + column, fragD[i]);
    }
  }

  private int lane() {
    return localIdx % Warp.SIZE;
  }

  private Warp warp() {
    return requireGroup().warp(localIdx / Warp.SIZE);
  }

  private WorkGroup requireGroup() {
    if (group == null) {
      throw new WorkGroup.Needed();
    }
    return group;
  }
}
