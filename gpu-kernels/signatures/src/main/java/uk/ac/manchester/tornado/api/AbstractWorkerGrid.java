package uk.ac.manchester.tornado.api;

/** What grids have in common. */
public abstract class AbstractWorkerGrid implements WorkerGrid {
  private final int items;
  private int groupSize = 1;

  AbstractWorkerGrid(int items) {
    this.items = items;
  }

  @Override
  public void setLocalWork(long x, long y, long z) {
    groupSize = Math.toIntExact(x);
  }

  int groupSize() {
    return groupSize;
  }

  int groups() {
    return items / groupSize;
  }
}
