package org.freetransformer.server;

import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.freetransformer.data.LetterAlphabet;
import org.freetransformer.data.Tokenizer;

/** Letters that the model's thread may decode only as often as it is let through. */
final class GatedTokenizer implements Tokenizer {
  private final LetterAlphabet letters = new LetterAlphabet();
  private final Semaphore gate = new Semaphore(0);
  private final AtomicInteger decoded = new AtomicInteger();

  /** Lets the model's thread through so many times more. */
  void letThrough(int count) {
    gate.release(count);
  }

  /** How often it came through: twice for each letter that a text got. */
  int decoded() {
    return decoded.get();
  }

  /** Waits until it has come through so often, and stands before the gate. */
  void awaitDecoded(int count) throws InterruptedException {
    while (decoded.get() < count || !gate.hasQueuedThreads()) {
      Thread.sleep(1);
    }
  }

  @Override
  public int vocabSize() {
    return letters.vocabSize();
  }

  @Override
  public int[] encode(String text) {
    return letters.encode(text);
  }

  @Override
  public String decode(int... tokens) {
    if (Thread.currentThread().getName().equals(TestServer.MODEL_THREAD)) {
      gate.acquireUninterruptibly();
      decoded.incrementAndGet();
    }
    return letters.decode(tokens);
  }

  @Override
  public int byteLength(int token) {
    return letters.byteLength(token);
  }
}
