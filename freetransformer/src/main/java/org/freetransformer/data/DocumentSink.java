package org.freetransformer.data;

import java.io.IOException;

/** Takes what a {@link DocumentSource} finds. */
public interface DocumentSink {

  /**
   * Takes a document; an empty one is skipped.
   *
   * @throws IOException if it cannot be kept, say because the disk is full
   */
  void document(Document document) throws IOException;

  /**
   * Takes notice of something that is no document.
   *
   * @param reason the kind of reason
   * @param place where it is
   * @param detail more about it in a few words; empty where the reason says all
   */
  void skip(SkipReason reason, String place, String detail);
}
