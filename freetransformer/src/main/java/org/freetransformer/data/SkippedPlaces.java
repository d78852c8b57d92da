package org.freetransformer.data;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Places that give no document, as is known before anything is read: a source of skips alone, so
 * that they are reported with all others.
 *
 * @param skips in order
 */
public record SkippedPlaces(List<Skips.Skip> skips) implements DocumentSource {

  /** Copies the list. */
  public SkippedPlaces {
    skips = List.copyOf(skips);
  }

  /** One part, or none where nothing is skipped. */
  @Override
  public List<DocumentSource.Part> parts() {
    return skips.isEmpty() ? List.of() : List.of(new Part(skips));
  }

  private record Part(List<Skips.Skip> skips) implements DocumentSource.Part {
    @Override
    public String identity() {
      return skips.stream().map(Skips.Skip::toString).collect(Collectors.joining("\n"));
    }

    @Override
    public long bytes() {
      return 0;
    }

    @Override
    public void read(DocumentSink sink) {
      skips.forEach(skip -> sink.skip(skip.reason(), skip.place(), skip.detail()));
    }
  }
}
