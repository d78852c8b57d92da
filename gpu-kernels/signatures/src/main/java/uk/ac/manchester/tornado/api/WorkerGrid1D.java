package uk.ac.manchester.tornado.api;

/** A grid of one dimension. */
public class WorkerGrid1D extends AbstractWorkerGrid {
  /** A grid of so many work items. */
  public WorkerGrid1D(int x) {
    super(x);
  }
}
