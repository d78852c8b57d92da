package org.freetransformer.checkpoint;

import java.util.Map;
import java.util.Map.Entry;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The names of a Llama's tensors in Hugging Face's files and in this project's. Both store every
 * matrix as [out, in] and turn queries and keys by halves, so that only names differ.
 */
final class LlamaNames {
  private static final Pattern BLOCK = Pattern.compile("blocks\\.(\\d+)\\.(.+)");
  private static final Pattern LAYER = Pattern.compile("model\\.layers\\.(\\d{1,9})\\.(.+)");
  private static final Pattern BUFFER = Pattern.compile("(.*\\.)?rotary_emb\\.inv_freq");

  private static final Map<String, String> TO_LAYER =
      Map.of(
          "attn_norm.weight", "input_layernorm.weight",
          "wq.weight", "self_attn.q_proj.weight",
          "wk.weight", "self_attn.k_proj.weight",
          "wv.weight", "self_attn.v_proj.weight",
          "wo.weight", "self_attn.o_proj.weight",
          "ffn_norm.weight", "post_attention_layernorm.weight",
          "ffn.w1.weight", "mlp.gate_proj.weight",
          "ffn.w2.weight", "mlp.down_proj.weight",
          "ffn.w3.weight", "mlp.up_proj.weight");
  private static final Map<String, String> TO_TOP =
      Map.of(
          "token_embedding.weight", "model.embed_tokens.weight",
          "norm.weight", "model.norm.weight",
          "output.weight", "lm_head.weight");
  private static final Map<String, String> FROM_LAYER = inverted(TO_LAYER);
  private static final Map<String, String> FROM_TOP = inverted(TO_TOP);

  /** The name of the output layer's matrix, which a model with tied embeddings may leave out. */
  static final String OUTPUT = "lm_head.weight";

  private LlamaNames() {}

  private static Map<String, String> inverted(Map<String, String> names) {
    return names.entrySet().stream().collect(Collectors.toMap(Entry::getValue, Entry::getKey));
  }

  /** Whether a tensor of a folder is a constant that follows from the configuration. */
  static boolean isBuffer(String theirs) {
    return BUFFER.matcher(theirs).matches();
  }

  /** This project's name of a tensor in a folder; an unknown one keeps its own. */
  static String toOurs(String theirs) {
    return renamed(theirs, LAYER, FROM_LAYER, FROM_TOP, layer -> "blocks." + layer).orElse(theirs);
  }

  /**
   * The name that a baseline's tensor has in a folder.
   *
   * @throws IllegalArgumentException if a baseline has no such tensor
   */
  static String toTheirs(String ours) {
    return renamed(ours, BLOCK, TO_LAYER, TO_TOP, block -> "model.layers." + block)
        .orElseThrow(() -> new IllegalArgumentException("a Llama has no tensor '" + ours + "'"));
  }

  private static Optional<String> renamed(
      String name,
      Pattern inBlock,
      Map<String, String> parts,
      Map<String, String> top,
      Function<String, String> block) {
    Matcher matcher = inBlock.matcher(name);
    return matcher.matches()
        ? Optional.ofNullable(parts.get(matcher.group(2)))
            .map(part -> block.apply(matcher.group(1)) + "." + part)
        : Optional.ofNullable(top.get(name));
  }
}
