package uk.ac.manchester.tornado.api;

import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** What functions of libraries compute, on the host. */
final class Libraries {
  private Libraries() {}

  static void call(LibraryTaskDescriptor call, DeviceMemory memory) {
    String name = call.getLibraryName() + ":" + call.getFunctionName();
    if (!name.equals("nvidia/cublas:cublasSgemm")) {
      throw new IllegalArgumentException("there is no library function " + name);
    }
    sgemm(call.getParameters(), memory);
  }

  /**
   * {@code C = alpha · op(A) · op(B) + beta · C}, matrices column by column: transa, transb, m, n,
   * k, alpha, A, lda, B, ldb, beta, C, ldc.
   *
   * <p>Source: cuBLAS Library, cublas&lt;t&gt;gemm.
   */
  private static void sgemm(Object[] args, DeviceMemory memory) {
    boolean isTransposedA = (int) args[0] == 1;
    boolean isTransposedB = (int) args[1] == 1;
    int m = (int) args[2];
    int n = (int) args[3];
    int k = (int) args[4];
    FloatArray a = memory.onDevice((FloatArray) args[6]);
    FloatArray b = memory.onDevice((FloatArray) args[8]);
    FloatArray c = memory.onDevice((FloatArray) args[11]);
    int lda = (int) args[7];
    int ldb = (int) args[9];
    int ldc = (int) args[12];
    if (lda < (isTransposedA ? k : m) || ldb < (isTransposedB ? n : k) || ldc < m) {
      throw new IllegalArgumentException("CUBLAS_STATUS_INVALID_VALUE: a leading dimension");
    }
    float beta = (float) args[10];
    for (int column = 0; column < n; column++) {
      for (int row = 0; row < m; row++) {
        float sum = 0;
        for (int i = 0; i < k; i++) {
          float left = a.get(isTransposedA ? row * lda + i : i * lda + row);
          float right = b.get(isTransposedB ? i * ldb + column : column * ldb + i);
          sum += left * right;
        }
        int at = column * ldc + row;
        c.set(at, (float) args[5] * sum + (beta == 0 ? 0 : beta * c.get(at)));
      }
    }
  }
}
