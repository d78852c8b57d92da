package org.freetransformer.gpu;

/**
 * What moved between host and device so far, as asked of TornadoVM.
 *
 * @param plans execution plans made, each of which takes the heaps whole
 * @param wordsToDevice words of tensors that the host wrote, brought to the device before a program
 * @param wordsAhead words of tensors that the host wrote, brought to the device while it computed
 * @param wordsToHost words of tensors that a program wrote, brought to the host
 */
record Traffic(int plans, long wordsToDevice, long wordsAhead, long wordsToHost) {
  static final Traffic NONE = new Traffic(0, 0, 0, 0);

  Traffic planned() {
    return new Traffic(plans + 1, wordsToDevice, wordsAhead, wordsToHost);
  }

  Traffic toDevice(long words) {
    return new Traffic(plans, wordsToDevice + words, wordsAhead, wordsToHost);
  }

  Traffic ahead(long words) {
    return new Traffic(plans, wordsToDevice, wordsAhead + words, wordsToHost);
  }

  Traffic toHost(long words) {
    return new Traffic(plans, wordsToDevice, wordsAhead, wordsToHost + words);
  }

  /** What moved since an earlier count. */
  Traffic since(Traffic earlier) {
    return new Traffic(
        plans - earlier.plans,
        wordsToDevice - earlier.wordsToDevice,
        wordsAhead - earlier.wordsAhead,
        wordsToHost - earlier.wordsToHost);
  }
}
