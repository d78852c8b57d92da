package org.freetransformer.data;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Examples cut from a folder of prepared tokens, which are mapped into memory and read as they are
 * needed.
 *
 * <p>Either an example goes on into the next document: example i is the tokens i·T to (i+1)·T of
 * the split, with the tokens between documents in it. Or documents are kept apart: each is cut into
 * examples of T tokens by itself, and the last of these is filled up with targets that do not
 * count.
 */
public final class PreparedTokens implements Dataset {

  private final Arena arena;
  private final TokenManifest manifest;
  private final int length;
  private final boolean crossDocuments;
  private final boolean byHand;
  private final Map<Split, TokenStream> streams = new EnumMap<>(Split.class);
  private final Map<Split, DocumentWindows> windows = new EnumMap<>(Split.class);

  /** Examples of documents kept apart: which document an example is of. */
  private static final class DocumentWindows {
    final long[] ends;
    final long[] firstExamples;

    DocumentWindows(long[] ends, long[] firstExamples) {
      this.ends = ends;
      this.firstExamples = firstExamples;
    }

    static DocumentWindows of(TokenStream stream, int length) {
      long[] ends = stream.ends();
      long[] first = new long[ends.length + 1];
      long start = 0;
      for (int i = 0; i < ends.length; i++) {
        // A document of n tokens has n − 1 that follow another.
        long targets = Math.max(0, ends[i] - start - 1);
        first[i + 1] = first[i] + Math.ceilDiv(targets, length);
        start = ends[i];
      }
      return new DocumentWindows(ends, first);
    }

    long count() {
      return firstExamples[firstExamples.length - 1];
    }
  }

  /**
   * Opens a folder that {@code ft data prepare} made, and checks that every byte is as it was
   * written.
   *
   * @param length inputs of an example T
   * @param crossDocuments whether examples go on into the next document
   * @throws IllegalArgumentException if the folder has no tokens, one of its files is damaged, or a
   *     split has no example
   */
  public PreparedTokens(Path folder, int length, boolean crossDocuments) {
    this(folder, length, crossDocuments, true);
  }

  @SuppressWarnings("MustBeClosedChecker") // The arena lives until close.
  private PreparedTokens(Path folder, int length, boolean crossDocuments, boolean byHand) {
    this.manifest = TokenManifest.read(folder);
    this.length = length;
    this.crossDocuments = crossDocuments;
    this.byHand = byHand;
    this.arena = Arena.ofShared();
    try {
      for (Split split : Split.values()) {
        map(folder, split);
      }
    } catch (RuntimeException | Error problem) {
      arena.close();
      throw problem;
    }
  }

  private void map(Path folder, Split split) {
    List<ShardFile> files =
        manifest.shards().stream()
            .filter(shard -> shard.split() == split)
            .map(shard -> ShardFile.open(folder, shard, arena))
            .toList();
    files.forEach(file -> file.check(folder, manifest.vocabSize()));
    TokenStream stream = new TokenStream(files, TokenWidth.of(manifest.vocabSize()));
    streams.put(split, stream);
    if (!crossDocuments) {
      windows.put(split, DocumentWindows.of(stream, length));
    }
    if (size(split) < 1) {
      throw new IllegalArgumentException(tooLittle(split, stream));
    }
  }

  private String tooLittle(Split split, TokenStream stream) {
    boolean training = split == Split.TRAIN;
    String remedy =
        stream.size() < 2 && !training
            ? howToHoldOut()
            : "nearest is " + Math.max(1, stream.size() - 1);
    return "max_length: %d is too long: the %s data has %d tokens in %d documents; %s"
        .formatted(
            length,
            training ? "training" : "validation",
            stream.size(),
            stream.documents(),
            remedy);
  }

  /** Keys of the configuration decide what is held out of text, not of tokens made before. */
  private String howToHoldOut() {
    String rule = "tails holds out the end of every document, a larger ";
    return byHand
        ? "prepare them anew: --split " + rule + "--validation-fraction holds out more"
        : "split: " + rule + "validation_fraction holds out more";
  }

  /**
   * Opens a folder as a configuration asks for.
   *
   * @throws IllegalArgumentException if it cannot be used, or was prepared with another tokenizer
   */
  static PreparedTokens open(Path folder, DataConfig config) {
    TextConfig text = config.text();
    TokenManifest manifest = TokenManifest.read(folder);
    if (!isOf(text, manifest, folder)) {
      throw new IllegalArgumentException(
          "tokenizer: %s was prepared with %s, not with %s"
              .formatted(folder, manifest.tokenizerIn(folder), text.tokenizer()));
    }
    boolean byHand = config.source() == DataConfig.Source.TOKENS;
    return new PreparedTokens(folder, config.maxLength(), text.crossDocuments(), byHand);
  }

  private static boolean isOf(TextConfig text, TokenManifest manifest, Path folder) {
    if (text.tokenizerFile().isEmpty() || !manifest.tokenizer().equals(TokenManifest.TOKENIZER)) {
      return text.tokenizer().equals(manifest.tokenizer());
    }
    return Arrays.equals(
        Preparation.readFile(text.tokenizerFile().get()),
        Preparation.readFile(manifest.tokenizerIn(folder)));
  }

  @Override
  public int vocabSize() {
    return manifest.vocabSize();
  }

  @Override
  public int length() {
    return length;
  }

  @Override
  public long size(Split split) {
    DocumentWindows apart = windows.get(split);
    return apart == null ? Math.max(0, stream(split).size() - 1) / length : apart.count();
  }

  @Override
  public void read(Split split, long index, int[] tokens, int[] targets, int offset) {
    DocumentWindows apart = windows.get(split);
    if (apart == null) {
      fill(split, index * length, length, tokens, targets, offset);
      return;
    }
    int found = Arrays.binarySearch(apart.firstExamples, index);
    int document = found >= 0 ? lastOf(apart.firstExamples, found) : -found - 2;
    long start = document == 0 ? 0 : apart.ends[document - 1];
    long from = start + (index - apart.firstExamples[document]) * length;
    int count = (int) Math.min(length, apart.ends[document] - 1 - from);
    fill(split, from, count, tokens, targets, offset);
  }

  /** Documents without examples begin where the next begins: it is the last of those. */
  private static int lastOf(long[] firstExamples, int found) {
    int last = found;
    while (last + 1 < firstExamples.length && firstExamples[last + 1] == firstExamples[found]) {
      last++;
    }
    return last;
  }

  private void fill(Split split, long from, int count, int[] tokens, int[] targets, int offset) {
    int[] both = new int[count + 1];
    stream(split).copy(from, count + 1, both, 0);
    System.arraycopy(both, 0, tokens, offset, count);
    System.arraycopy(both, 1, targets, offset, count);
    Arrays.fill(tokens, offset + count, offset + length, both[count]);
    Arrays.fill(targets, offset + count, offset + length, Batch.IGNORE);
  }

  private TokenStream stream(Split split) {
    TokenStream stream = streams.get(split);
    if (stream == null) {
      throw new IllegalStateException("every split is mapped when the folder is opened");
    }
    return stream;
  }

  @Override
  public void close() {
    arena.close();
  }
}
