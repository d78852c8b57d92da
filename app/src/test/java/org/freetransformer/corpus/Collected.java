package org.freetransformer.corpus;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.freetransformer.data.Document;
import org.freetransformer.data.DocumentSink;
import org.freetransformer.data.DocumentSource;
import org.freetransformer.data.SkipReason;
import org.freetransformer.data.Skips;
import org.freetransformer.data.Split;

/** Everything that a source gives. */
final class Collected implements DocumentSink {
  final List<String> texts = new ArrayList<>();
  final List<Optional<Split>> splits = new ArrayList<>();
  final Skips skips = new Skips();
  private Optional<Split> split = Optional.empty();

  static Collected of(DocumentSource source) throws IOException {
    Collected all = new Collected();
    for (DocumentSource.Part part : source.parts()) {
      all.split = part.split();
      part.read(all);
    }
    return all;
  }

  @Override
  public void document(Document document) {
    texts.add(document.text());
    splits.add(split);
  }

  @Override
  public void skip(SkipReason reason, String place, String detail) {
    skips.add(new Skips.Skip(reason, place, detail));
  }

  List<String> reasons() {
    return skips.first().stream().map(Skips.Skip::toString).toList();
  }
}
