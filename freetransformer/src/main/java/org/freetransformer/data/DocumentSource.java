package org.freetransformer.data;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Where documents come from, cut into parts that can be read at the same time. The same files give
 * the same parts in the same order, and a part the same documents, so that what is made of them
 * does not depend on how many threads read.
 */
public interface DocumentSource {

  /**
   * All parts, in order.
   *
   * @throws IllegalArgumentException if there is nothing to read, naming what is missing
   */
  List<Part> parts();

  /** A stretch of the source. */
  interface Part {

    /**
     * What would be read: files with their sizes and times, and places in them. A part that was
     * read before is not read again as long as this stays the same.
     */
    String identity();

    /** Bytes to read, for showing progress. */
    long bytes();

    /** The split that all documents of this part belong to, where the source says so itself. */
    default Optional<Split> split() {
      return Optional.empty();
    }

    /**
     * Reads the documents in order. What cannot be read is told to the sink and passed over.
     *
     * @throws IOException if the sink fails
     */
    void read(DocumentSink sink) throws IOException;
  }
}
