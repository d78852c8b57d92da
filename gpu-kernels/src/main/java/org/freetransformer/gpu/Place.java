package org.freetransformer.gpu;

/** Where in a heap a storage is, in words. */
record Place(Heap heap, int start, int words) {
  /** Notes that the host wrote it. */
  void wrote() {
    heap.wrote(start, start + words);
  }

  /** Notes that the host wrote some bytes of it. */
  void wrote(long offset, long bytes) {
    if (bytes > 0) {
      int first = heap.words(offset - offset % heap.width());
      heap.wrote(start + first, start + heap.words(offset + bytes));
    }
  }
}
