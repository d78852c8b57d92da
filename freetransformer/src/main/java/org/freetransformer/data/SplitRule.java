package org.freetransformer.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** What is held out to measure on. */
public enum SplitRule {
  /** {@link #TAILS} for a single text file, {@link #DOCUMENTS} for everything else. */
  AUTO,
  /**
   * Whole documents, chosen by a hash of their text and the seed: the choice depends on nothing
   * else, and two copies of a text are never on both sides.
   */
  DOCUMENTS,
  /**
   * The end of every text, as nanoGPT does: of a long one that is cut into several documents, the
   * end of the whole.
   */
  TAILS;

  /** Whether a document is held out under {@link #DOCUMENTS}. */
  static boolean holdsOut(String text, double fraction, long seed) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    byte[] seeded = ByteBuffer.allocate(Long.BYTES + utf8.length).putLong(seed).put(utf8).array();
    return (ByteBuffer.wrap(sha256(seeded)).getLong() >>> 11) * 0x1p-53 < fraction;
  }

  static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every Java platform has SHA-256", impossible);
    }
  }

  /**
   * The place where a document is cut under {@link #TAILS}, never within a character: its end if
   * all of it is trained on, 0 if all is held out.
   *
   * @param fraction of the whole text that is held out
   */
  static int tail(Document document, double fraction) {
    String text = document.text();
    double border = (1 - fraction - document.from()) / (document.to() - document.from());
    int cut = (int) (text.length() * Math.clamp(border, 0, 1));
    boolean within = cut > 0 && cut < text.length() && Character.isLowSurrogate(text.charAt(cut));
    return within ? cut - 1 : cut;
  }
}
