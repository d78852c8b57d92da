package uk.ac.manchester.tornado.api.common;

/** Kernels by their number of arguments. */
public class TornadoFunctions {
  private TornadoFunctions() {}

  /** What makes a call of a library with one argument. */
  @FunctionalInterface
  public interface LibraryTask1<T1> {
    /** Makes it. */
    LibraryTaskDescriptor apply(T1 arg1);
  }

  /** A kernel of six arguments. */
  @FunctionalInterface
  public interface Task6<T1, T2, T3, T4, T5, T6> {
    /** Runs it for one work item. */
    void apply(T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6);
  }

  /** A kernel of seven arguments. */
  @FunctionalInterface
  public interface Task7<T1, T2, T3, T4, T5, T6, T7> {
    /** Runs it for one work item. */
    void apply(T1 arg1, T2 arg2, T3 arg3, T4 arg4, T5 arg5, T6 arg6, T7 arg7);
  }
}
