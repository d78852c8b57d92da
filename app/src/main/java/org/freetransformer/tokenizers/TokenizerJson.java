package org.freetransformer.tokenizers;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** A vocabulary of byte pairs as a {@code tokenizer.json}, which other tools read too. */
public final class TokenizerJson {
  private TokenizerJson() {}

  /** The text of the file. */
  public static String of(BytePairTrainer.Vocabulary vocabulary) {
    ObjectNode root = new ObjectMapper().createObjectNode();
    root.put("version", "1.0");
    root.putNull("truncation");
    root.putNull("padding");
    ObjectNode end = root.putArray("added_tokens").addObject();
    end.put("id", 0);
    end.put("content", BytePairTrainer.END_OF_TEXT);
    for (String flag : new String[] {"single_word", "lstrip", "rstrip", "normalized"}) {
      end.put(flag, false);
    }
    end.put("special", true);
    root.putNull("normalizer");
    byteLevel(root.putObject("pre_tokenizer"));
    root.putNull("post_processor");
    byteLevel(root.putObject("decoder"));
    model(root.putObject("model"), vocabulary);
    return root.toPrettyString() + "\n";
  }

  private static void byteLevel(ObjectNode step) {
    step.put("type", "ByteLevel");
    step.put("add_prefix_space", false);
    step.put("trim_offsets", true);
    step.put("use_regex", true);
  }

  private static void model(ObjectNode model, BytePairTrainer.Vocabulary vocabulary) {
    model.put("type", "BPE");
    for (String absent :
        new String[] {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"}) {
      model.putNull(absent);
    }
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    model.put("ignore_merges", false);
    ObjectNode ids = model.putObject("vocab");
    for (int id = 0; id < vocabulary.tokens().size(); id++) {
      ids.put(vocabulary.tokens().get(id), id);
    }
    ArrayNode merges = model.putArray("merges");
    for (BytePairTrainer.Merge merge : vocabulary.merges()) {
      merges.add(merge.left() + " " + merge.right());
    }
  }
}
