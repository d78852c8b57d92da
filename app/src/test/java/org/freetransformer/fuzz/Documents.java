package org.freetransformer.fuzz;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.freetransformer.corpus.DataFiles;
import org.freetransformer.data.Document;
import org.freetransformer.data.DocumentSink;
import org.freetransformer.data.DocumentSource;
import org.freetransformer.data.SkipReason;

/** Takes all documents of a file and keeps none. */
final class Documents implements DocumentSink {
  private Documents() {}

  static void readAll(Path file) throws IOException {
    for (DocumentSource.Part part : DataFiles.of(List.of(file), "text").parts()) {
      part.read(new Documents());
    }
  }

  @Override
  public void document(Document document) {
    if (document.text().length() > Document.MAX_BYTES) {
      throw new AssertionError("a document of %d characters".formatted(document.text().length()));
    }
  }

  @Override
  public void skip(SkipReason reason, String place, String detail) {
    if (place.contains("\n") || detail.contains("\n")) {
      throw new AssertionError("more than one line: %s, %s".formatted(place, detail));
    }
  }
}
