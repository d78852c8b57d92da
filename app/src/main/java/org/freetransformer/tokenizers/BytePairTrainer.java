package org.freetransformer.tokenizers;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import org.freetransformer.config.Limits;

/**
 * Trains a byte-level byte-pair encoding: the commonest pair of neighbouring tokens within words
 * becomes a token of its own, again and again. Of pairs that are equally common the one with the
 * lower ids comes first, so that the same text gives the same tokens.
 *
 * <p>Source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword
 * Units" (ACL 2016); over bytes as in GPT-2. Pairs wait in a heap with the counts they had when
 * they were put there; one whose count has changed since goes back with its new one.
 */
public final class BytePairTrainer {
  /** The token that stands between documents, with id 0. */
  public static final String END_OF_TEXT = "<|endoftext|>";

  /** Tokens there are before anything is learnt: the bytes, and the end of text. */
  public static final int BASE_TOKENS = 257;

  /** Longer words, in bytes, are left out: no token is worth learning from them. */
  static final int LONGEST_WORD = 256;

  private final Map<String, Long> words = new TreeMap<>();

  /**
   * What was learnt.
   *
   * @param tokens all tokens by id, written in byte-level characters
   * @param merges the pairs that were joined, in order
   */
  public record Vocabulary(List<String> tokens, List<Merge> merges) {}

  /** Two tokens that become one. */
  public record Merge(String left, String right) {}

  /** Has seen no text yet. */
  public BytePairTrainer() {}

  /** Adds the words of a text to counts that are given to {@link #add} later. */
  public static void count(String text, Map<String, Long> counts) {
    Matcher matcher = ByteLevel.WORDS.matcher(text);
    while (matcher.find()) {
      counts.merge(matcher.group(), 1L, Long::sum);
    }
  }

  /** Adds the words of some text to what is learnt from. The order of calls changes nothing. */
  public synchronized void add(Map<String, Long> counts) {
    counts.forEach((word, count) -> words.merge(word, count, Long::sum));
  }

  /** How many different words there were. */
  public int distinctWords() {
    return words.size();
  }

  /**
   * Learns until there are {@code vocabSize} tokens, or no pair occurs twice.
   *
   * @param vocabSize at least {@link #BASE_TOKENS}
   * @throws IllegalArgumentException if it is less
   */
  public Vocabulary train(int vocabSize) {
    return train(vocabSize, () -> false).orElseThrow();
  }

  /**
   * The same unless it is stopped.
   *
   * @param stop asked now and then whether to stop
   * @return nothing if stopped
   */
  public Optional<Vocabulary> train(int vocabSize, BooleanSupplier stop) {
    Limits.between("--vocab", vocabSize, BASE_TOKENS, 1 << 20);
    List<String> tokens = new ArrayList<>(List.of(END_OF_TEXT));
    Map<Character, Integer> ids = new HashMap<>();
    char[] alphabet = new char[256];
    for (int i = 0; i < alphabet.length; i++) {
      alphabet[i] = ByteLevel.character((byte) i);
    }
    Arrays.sort(alphabet);
    for (char character : alphabet) {
      ids.put(character, tokens.size());
      tokens.add(String.valueOf(character));
    }
    return new Learner(tokens, ids, stop).learn(vocabSize);
  }

  /** A pair and how often it occurs, or did when it was put into the heap. */
  private record Candidate(long pair, long count) {
    static final Comparator<Candidate> COMMONEST_FIRST =
        Comparator.comparingLong(Candidate::count).reversed().thenComparingLong(Candidate::pair);
  }

  /** Where a pair occurs. */
  private static final class Occurrences {
    long count;
    int[] words = new int[2];
    int size;

    void in(int word) {
      if (size == words.length) {
        words = Arrays.copyOf(words, 2 * size);
      }
      words[size++] = word;
    }
  }

  /** The words in tokens, and the pairs in them. */
  private final class Learner {
    private final List<String> tokens;
    private final BooleanSupplier stop;
    private final Map<String, Integer> idOf = new HashMap<>();
    private final List<Merge> merges = new ArrayList<>();
    private final List<int[]> spelled = new ArrayList<>();
    private final List<Long> counts = new ArrayList<>();
    private final Map<Long, Occurrences> pairs = new HashMap<>();
    private final PriorityQueue<Candidate> heap = new PriorityQueue<>(Candidate.COMMONEST_FIRST);

    Learner(List<String> tokens, Map<Character, Integer> ids, BooleanSupplier stop) {
      this.tokens = tokens;
      this.stop = stop;
      for (int id = 0; id < tokens.size(); id++) {
        idOf.put(tokens.get(id), id);
      }
      words.forEach((word, count) -> {
        String characters = ByteLevel.characters(word);
        if (characters.length() <= LONGEST_WORD) {
          spelled.add(characters.chars().map(c -> ids.getOrDefault((char) c, 0)).toArray());
          counts.add(count);
        }
      });
      for (int word = 0; word < spelled.size() && !stop.getAsBoolean(); word++) {
        int[] symbols = spelled.get(word);
        for (int i = 0; i + 1 < symbols.length; i++) {
          change(symbols[i], symbols[i + 1], counts.get(word), word);
        }
      }
      pairs.forEach((pair, occurrences) -> heap.add(new Candidate(pair, occurrences.count)));
    }

    Optional<Vocabulary> learn(int vocabSize) {
      while (tokens.size() < vocabSize) {
        if (stop.getAsBoolean()) {
          return Optional.empty();
        }
        Candidate best = heap.poll();
        if (best == null) {
          break;
        }
        Occurrences occurrences = pairs.get(best.pair());
        if (occurrences == null) {
          continue;
        }
        if (occurrences.count != best.count()) {
          if (occurrences.count > 0) {
            heap.add(new Candidate(best.pair(), occurrences.count));
          }
          continue;
        }
        if (best.count() < 2) {
          break;
        }
        merge(best.pair(), occurrences);
      }
      return Optional.of(new Vocabulary(List.copyOf(tokens), List.copyOf(merges)));
    }

    private void merge(long pair, Occurrences occurrences) {
      int left = (int) (pair >>> 32);
      int right = (int) pair;
      int joined = idOf(tokens.get(left) + tokens.get(right));
      merges.add(new Merge(tokens.get(left), tokens.get(right)));
      pairs.remove(pair);
      Map<Long, Occurrences> changed = new HashMap<>();
      for (int i = 0; i < occurrences.size; i++) {
        int word = occurrences.words[i];
        int[] before = spelled.get(word);
        int[] after = join(before, left, right, joined);
        if (after.length < before.length) {
          spelled.set(word, after);
          recount(before, after, word, joined, changed);
        }
      }
      changed.forEach((other, found) -> heap.add(new Candidate(other, found.count)));
    }

    /** A token's id; two pairs may spell the same token. */
    private int idOf(String token) {
      Integer known = idOf.putIfAbsent(token, tokens.size());
      if (known != null) {
        return known;
      }
      tokens.add(token);
      return tokens.size() - 1;
    }

    /** Takes the pairs of a word's old spelling away and adds those of its new one. */
    private void recount(
        int[] before, int[] after, int word, int joined, Map<Long, Occurrences> changed) {
      long count = counts.get(word);
      for (int i = 0; i + 1 < before.length; i++) {
        Occurrences found = pairs.get(key(before[i], before[i + 1]));
        if (found != null) {
          found.count -= count;
        }
      }
      for (int i = 0; i + 1 < after.length; i++) {
        boolean isNew = after[i] == joined || after[i + 1] == joined;
        long key = key(after[i], after[i + 1]);
        if (isNew) {
          changed.put(key, change(after[i], after[i + 1], count, word));
        } else {
          Occurrences found = pairs.get(key);
          if (found != null) {
            found.count += count;
          }
        }
      }
    }

    private Occurrences change(int left, int right, long count, int word) {
      Occurrences found = pairs.computeIfAbsent(key(left, right), _ -> new Occurrences());
      found.count += count;
      if (found.size == 0 || found.words[found.size - 1] != word) {
        found.in(word);
      }
      return found;
    }
  }

  private static long key(int left, int right) {
    return (long) left << 32 | right;
  }

  /** The symbols with every left-right joined, from the left. */
  private static int[] join(int[] symbols, int left, int right, int joined) {
    int[] result = new int[symbols.length];
    int size = 0;
    for (int i = 0; i < symbols.length; i++) {
      boolean here = symbols[i] == left && i + 1 < symbols.length && symbols[i + 1] == right;
      result[size++] = here ? joined : symbols[i];
      i += here ? 1 : 0;
    }
    return Arrays.copyOf(result, size);
  }
}
