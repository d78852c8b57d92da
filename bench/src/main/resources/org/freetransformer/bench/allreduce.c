/* The all-reduce of f32 in place, timed as AllReduceRank times the same call from Java:
 *   mpirun -n N allreduce REPEATS BYTES...
 * prints a line "BYTES MILLISECONDS" for each size, the median on rank 0. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median of some calls in milliseconds, after others to warm up. */
static double median(long bytes, int repeats, int warm_up) {
  double *times = malloc(repeats * sizeof *times);
  float *values = aligned_alloc(64, bytes);
  for (long i = 0; i < bytes / (long)sizeof *values; i++) values[i] = 0;
  for (int i = -warm_up; i < repeats; i++) {
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    MPI_Allreduce(MPI_IN_PLACE, values, (int)(bytes / sizeof *values), MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    if (i >= 0) times[i] = (MPI_Wtime() - began) * 1e3;
  }
  qsort(times, repeats, sizeof *times, ascending);
  double result = times[repeats / 2];
  free(values);
  free(times);
  return result;
}

int main(int argc, char **argv) {
  int granted, rank, repeats = argc > 1 ? atoi(argv[1]) : 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &granted);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (repeats < 1 || argc < 3) {
    if (rank == 0) fprintf(stderr, "usage: allreduce REPEATS BYTES...\n");
    MPI_Finalize();
    return 2;
  }
  median(64, 1, 6000); /* as many small calls as Java's compilers want: they warm up the library, too */
  for (int size = 2; size < argc; size++) {
    double milliseconds = median(atol(argv[size]), repeats, 3);
    if (rank == 0) printf("%s %.6f\n", argv[size], milliseconds);
  }
  MPI_Finalize();
  return 0;
}
