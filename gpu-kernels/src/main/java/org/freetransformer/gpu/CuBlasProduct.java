package org.freetransformer.gpu;

import java.util.Arrays;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;

/**
 * A product of two panels by {@code cublasSgemm}. What the library calls a matrix lies column by
 * column: to it the rows of the result are columns, and so it multiplies the transposed second
 * operand with the transposed first one.
 *
 * @param m rows of the result
 * @param n its columns
 * @param k columns of the first operand
 * @param isDownA whether the first operand lies column by column
 * @param isDownB whether the second does
 */
record CuBlasProduct(int m, int n, int k, boolean isDownA, boolean isDownB) implements Step {
  /** TornadoVM's name of the library. */
  static final String LIBRARY = "nvidia/cublas";

  private static final int AS_IT_IS = 0;
  private static final int TRANSPOSED = 1;

  /** The call; TornadoVM's own module for cuBLAS makes the same, and may not be there. */
  LibraryTaskDescriptor call(Panels panels) {
    Object[] parameters = {
      isDownB ? TRANSPOSED : AS_IT_IS,
      isDownA ? TRANSPOSED : AS_IT_IS,
      n,
      m,
      k,
      1f,
      panels.b(),
      isDownB ? k : n,
      panels.a(),
      isDownA ? m : k,
      0f,
      panels.out(),
      n
    };
    Access[] accesses = new Access[parameters.length];
    Arrays.fill(accesses, Access.READ_ONLY);
    accesses[11] = Access.READ_WRITE;
    return new LibraryTaskDescriptor()
        .withLibrary(LIBRARY)
        .withFunction("cublasSgemm")
        .withParameters(parameters)
        .withAccess(accesses);
  }
}
