package org.freetransformer.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Everything that a source gives. */
final class Collected implements DocumentSink {

  final List<Document> documents = new ArrayList<>();
  final Skips skips = new Skips();

  static Collected of(DocumentSource source) throws IOException {
    Collected all = new Collected();
    for (DocumentSource.Part part : source.parts()) {
      part.read(all);
    }
    return all;
  }

  @Override
  public void document(Document document) {
    documents.add(document);
  }

  @Override
  public void skip(SkipReason reason, String place, String detail) {
    skips.add(new Skips.Skip(reason, place, detail));
  }

  List<String> reasons() {
    return skips.first().stream().map(Skips.Skip::toString).toList();
  }

  String joined() {
    return documents.stream().map(Document::text).collect(Collectors.joining());
  }
}
