package org.freetransformer.gpu;

/**
 * What moved between host and device so far, as asked of TornadoVM.
 *
 * @param plans execution plans made, each of which takes the heaps whole
 * @param wordsToDevice words of tensors that the host wrote, brought to the device
 * @param wordsToHost words of tensors that a program wrote, brought to the host
 */
record Traffic(int plans, long wordsToDevice, long wordsToHost) {
  static final Traffic NONE = new Traffic(0, 0, 0);

  Traffic planned() {
    return new Traffic(plans + 1, wordsToDevice, wordsToHost);
  }

  Traffic toDevice(long words) {
    return new Traffic(plans, wordsToDevice + words, wordsToHost);
  }

  Traffic toHost(long words) {
    return new Traffic(plans, wordsToDevice, wordsToHost + words);
  }

  /** What moved since an earlier count. */
  Traffic since(Traffic earlier) {
    return new Traffic(
        plans - earlier.plans,
        wordsToDevice - earlier.wordsToDevice,
        wordsToHost - earlier.wordsToHost);
  }
}
