package org.freetransformer.tokenizers;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import org.freetransformer.tokenizers.BytePairTrainer.Merge;
import org.freetransformer.tokenizers.BytePairTrainer.Vocabulary;

/** Byte-pair encoding as it is told in one sentence: count all pairs, join the commonest, again. */
final class ReferenceBytePairs {
  private ReferenceBytePairs() {}

  static Vocabulary train(List<String> texts, int vocabSize) {
    List<String> tokens = new ArrayList<>(List.of(BytePairTrainer.END_OF_TEXT));
    List<String> alphabet = new ArrayList<>();
    for (int i = 0; i < 256; i++) {
      alphabet.add(String.valueOf(ByteLevel.character((byte) i)));
    }
    tokens.addAll(alphabet.stream().sorted().toList());
    Map<List<String>, Integer> words = new HashMap<>();
    for (String text : texts) {
      for (List<String> word : words(text)) {
        words.merge(word, 1, Integer::sum);
      }
    }
    List<Merge> merges = new ArrayList<>();
    while (tokens.size() < vocabSize) {
      Map<Long, Integer> counts = new TreeMap<>();
      words.forEach((word, count) -> {
        for (int i = 0; i + 1 < word.size(); i++) {
          long pair = (long) tokens.indexOf(word.get(i)) << 32 | tokens.indexOf(word.get(i + 1));
          counts.merge(pair, count, Integer::sum);
        }
      });
      long best = -1;
      int most = 1;
      for (Map.Entry<Long, Integer> entry : counts.entrySet()) {
        if (entry.getValue() > most) {
          best = entry.getKey();
          most = entry.getValue();
        }
      }
      if (best < 0) {
        break;
      }
      Merge merge = new Merge(tokens.get((int) (best >>> 32)), tokens.get((int) best));
      merges.add(merge);
      if (!tokens.contains(merge.left() + merge.right())) {
        tokens.add(merge.left() + merge.right());
      }
      Map<List<String>, Integer> joined = new HashMap<>();
      words.forEach((word, count) -> joined.merge(join(word, merge), count, Integer::sum));
      words = joined;
    }
    return new Vocabulary(tokens, merges);
  }

  /** The ids of a text: in each word every merge, in the order in which they were learnt. */
  static int[] encode(Vocabulary vocabulary, String text) {
    List<Integer> ids = new ArrayList<>();
    for (List<String> word : words(text)) {
      List<String> symbols = word;
      for (Merge merge : vocabulary.merges()) {
        symbols = join(symbols, merge);
      }
      symbols.forEach(symbol -> ids.add(vocabulary.tokens().indexOf(symbol)));
    }
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }

  private static List<List<String>> words(String text) {
    List<List<String>> words = new ArrayList<>();
    Matcher matcher = ByteLevel.WORDS.matcher(text);
    while (matcher.find()) {
      List<String> word = new ArrayList<>();
      ByteLevel.characters(matcher.group())
          .chars()
          .forEach(character -> word.add(String.valueOf((char) character)));
      words.add(word);
    }
    return words;
  }

  private static List<String> join(List<String> word, Merge merge) {
    List<String> joined = new ArrayList<>();
    for (int i = 0; i < word.size(); i++) {
      boolean here =
          i + 1 < word.size()
              && word.get(i).equals(merge.left())
              && word.get(i + 1).equals(merge.right());
      joined.add(here ? merge.left() + merge.right() : word.get(i));
      i += here ? 1 : 0;
    }
    return joined;
  }
}
