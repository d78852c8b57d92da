package org.freetransformer.bench.suite;

/** What stands beside ours in a suite: how tables and JSON call the peer and the second peer. */
public enum Peers {
  /** Libraries on the processor: libtorch, and OpenBLAS for matrix products. */
  LIBRARIES(
      "CPU benchmarks",
      "libtorch",
      "×torch",
      "×oblas",
      "×OpenBLAS",
      "openblas",
      """
      Ours, libtorch and the limit take turns in one JVM on equal numbers of threads. ×torch is our
      speed as a multiple of libtorch's, ×limit as a share of what the machine can do: a loop of
      multiply-adds on registers, or one that reads and writes the same number of bytes, whichever
      takes longer. Spread is the interquartile range of our time as a share of its median. ×OpenBLAS
      is given for matrix products where the machine has the library. B/call is the garbage that a
      call of ours leaves on the heap, in bytes.

      libtorch is called through DJL, and through TorchScript for its own kernels of attention, SiLU,
      cross-entropy and AdamW: for these the faster of kernel and composition counts, all else that is
      fused in ours is a composition of its operations. Memory that it frees stays with the process,
      so no call waits for new pages.
      """),

  /** PyTorch on the same device, as it is and compiled. */
  PYTORCH(
      "Benchmarks of a device",
      "torch",
      "×torch",
      "×comp.",
      "×compiled",
      "compiled",
      """
      Ours, PyTorch and the limit take turns. ×torch is our speed as a multiple of PyTorch's, operation
      by operation, or of libtorch's where there is no PyTorch and the device is the processor;
      ×compiled the same for what `torch.compile` makes of it. ×limit is the share of what kernels of
      ours do there that only multiply and add, or only copy. Spread is the interquartile range of our
      time as a share of its median, B/call the garbage that a call of ours leaves on the heap, in
      bytes.
      """),

  /** Jlama alone. */
  JLAMA(
      "Decoding beside Jlama",
      "Jlama",
      "×Jlama",
      "-",
      "-",
      "",
      """
      Ours, Jlama and the limit take turns in one JVM on equal numbers of threads, with the same
      weights. ×Jlama is our speed as a multiple of Jlama's, ×limit as a share of what the machine can
      do: a loop of multiply-adds on registers, or one that reads as many bytes as our step. Spread
      is the interquartile range of our time as a share of its median, B/call the garbage that a call
      of ours leaves on the heap, in bytes.
      """);

  private final String title;
  private final String rate;
  private final String ratio;
  private final String second;
  private final String secondInFull;
  private final String secondKey;
  private final String text;

  Peers(
      String title,
      String rate,
      String ratio,
      String second,
      String secondInFull,
      String secondKey,
      String text) {
    this.title = title;
    this.rate = rate;
    this.ratio = ratio;
    this.second = second;
    this.secondInFull = secondInFull;
    this.secondKey = secondKey;
    this.text = text;
  }

  /** Title of a page of ratios. */
  public String title() {
    return title;
  }

  /** Heading of the peer's rate. */
  public String rate() {
    return rate;
  }

  /** Heading of ours as a multiple of the peer's. */
  public String ratio() {
    return ratio;
  }

  /** Heading of ours as a multiple of the second peer's; {@code -} where there is none. */
  public String second() {
    return second;
  }

  /** The same where there is room. */
  public String secondInFull() {
    return secondInFull;
  }

  /** Key of the second peer's rate in JSON; empty where there is none. */
  public String secondKey() {
    return secondKey;
  }

  /** A paragraph that says what a page's columns mean. */
  public String text() {
    return text;
  }
}
