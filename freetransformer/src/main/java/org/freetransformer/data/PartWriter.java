package org.freetransformer.data;

import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;

/** Makes tokens of the documents of one part, and puts each on its side of the split. */
final class PartWriter implements DocumentSink, Closeable {

  private final Path folder;
  private final int number;
  private final Tokenizer tokenizer;
  private final Preparation.Settings settings;
  private final DocumentSource.Part part;
  private final BooleanSupplier stop;
  private final TokenWidth width;
  private final Map<Split, ShardWriter> writers = new EnumMap<>(Split.class);
  private final Skips skips = new Skips();

  /** Ends the reading of a part because the user asked to. */
  static final class Stopped extends IOException {
    private static final long serialVersionUID = 1L;
  }

  PartWriter(
      Path folder,
      int number,
      Tokenizer tokenizer,
      Preparation.Settings settings,
      DocumentSource.Part part,
      BooleanSupplier stop) {
    this.folder = folder;
    this.number = number;
    this.tokenizer = tokenizer;
    this.settings = settings;
    this.part = part;
    this.stop = stop;
    this.width = TokenWidth.of(tokenizer.vocabSize());
  }

  @Override
  public void document(Document document) throws IOException {
    if (stop.getAsBoolean()) {
      throw new Stopped();
    }
    String text = document.text();
    if (text.isBlank()) {
      skip(SkipReason.EMPTY, document.place(), "");
    } else if (part.split().isPresent()) {
      write(part.split().get(), text);
    } else if (settings.split() == SplitRule.TAILS) {
      int cut = SplitRule.tail(document, settings.validationFraction());
      write(Split.TRAIN, text.substring(0, cut));
      write(Split.VALIDATION, text.substring(cut));
    } else {
      boolean held = SplitRule.holdsOut(text, settings.validationFraction(), settings.seed());
      write(held ? Split.VALIDATION : Split.TRAIN, text);
    }
  }

  private void write(Split split, String text) throws IOException {
    if (text.isEmpty()) {
      return;
    }
    int[] tokens = tokenizer.encode(text);
    OptionalInt end = tokenizer.endOfText();
    if (end.isPresent()) {
      tokens = Arrays.copyOf(tokens, tokens.length + 1);
      tokens[tokens.length - 1] = end.getAsInt();
    }
    ShardWriter writer = writers.get(split);
    if (writer == null) {
      writer = new ShardWriter(folder, split, number, width);
      writers.put(split, writer);
    }
    writer.add(tokens, text.getBytes(StandardCharsets.UTF_8).length);
  }

  @Override
  public void skip(SkipReason reason, String place, String detail) {
    skips.add(new Skips.Skip(reason, place, detail));
  }

  PartRecord finish() throws IOException {
    List<TokenShard> shards = new ArrayList<>();
    for (ShardWriter writer : writers.values()) {
      shards.add(writer.finish());
    }
    PartRecord record = new PartRecord(shards, skips);
    record.write(folder, number);
    return record;
  }

  @Override
  public void close() throws IOException {
    for (ShardWriter writer : writers.values()) {
      writer.close();
    }
  }
}
