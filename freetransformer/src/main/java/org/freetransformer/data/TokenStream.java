package org.freetransformer.data;

import java.util.Arrays;
import java.util.List;

/** All tokens of a split, one after the other, whatever shards they lie in. */
final class TokenStream {

  private final List<ShardFile> shards;
  private final TokenWidth width;

  /** Place of each shard's first token, and behind the last one's last. */
  private final long[] starts;

  TokenStream(List<ShardFile> shards, TokenWidth width) {
    this.shards = List.copyOf(shards);
    this.width = width;
    starts = new long[shards.size() + 1];
    for (int i = 0; i < shards.size(); i++) {
      starts[i + 1] = starts[i] + shards.get(i).shard().tokens();
    }
  }

  /** Number of tokens. */
  long size() {
    return starts[starts.length - 1];
  }

  /** Number of documents. */
  long documents() {
    return shards.stream().mapToLong(file -> file.shard().documents()).sum();
  }

  /** The place behind each document's last token. */
  long[] ends() {
    long[] ends = new long[Math.toIntExact(documents())];
    int next = 0;
    for (int i = 0; i < shards.size(); i++) {
      ShardFile file = shards.get(i);
      for (long document = 0; document < file.shard().documents(); document++) {
        ends[next++] = starts[i] + file.end(document);
      }
    }
    return ends;
  }

  /** Copies {@code count} tokens from place {@code from} on. */
  void copy(long from, int count, int[] target, int offset) {
    int found = Arrays.binarySearch(starts, from);
    int shard = found >= 0 ? found : -found - 2;
    long at = from;
    int done = 0;
    while (done < count) {
      int here = (int) Math.min(count - done, starts[shard + 1] - at);
      width.copy(shards.get(shard).tokens(), at - starts[shard], target, offset + done, here);
      done += here;
      at += here;
      shard++;
    }
  }
}
