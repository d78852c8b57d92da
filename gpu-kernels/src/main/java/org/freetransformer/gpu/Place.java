package org.freetransformer.gpu;

/** Where in a heap a storage is, in words. */
record Place(Heap heap, int start, int words) {
  /** Notes that the host wrote it. */
  void wrote() {
    heap.wrote(start, start + words);
  }
}
