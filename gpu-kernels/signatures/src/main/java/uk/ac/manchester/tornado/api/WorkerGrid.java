package uk.ac.manchester.tornado.api;

/** How a task is cut into work groups. */
public interface WorkerGrid {
  /** Sets the size of a group. */
  void setLocalWork(long x, long y, long z);
}
