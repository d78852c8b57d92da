package org.freetransformer.checkpoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.freetransformer.config.ConfigException;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.model.ModelConfig.Latent;
import org.freetransformer.model.ModelConfigBuilder;

/**
 * Tells the configuration of a model of the original repository from the shapes of its tensors. The
 * head size stands in the buffer of its rotary frequencies alone; what no shape shows (dropout) is
 * left at its default.
 */
final class SeedShapes {
  private static final String ENCODER = "encoder.transformer_block.";
  private static final double USUAL_THETA = 10_000;
  private static final int USUAL_LENGTH = 2048;

  private final Map<String, TorchTensor> state;
  private final String source;

  SeedShapes(Map<String, TorchTensor> state, String source) {
    this.state = state;
    this.source = source;
  }

  /**
   * The configuration.
   *
   * @throws CheckpointException if a tensor that shows a part of it is missing or ill-shaped
   */
  ModelConfig config(boolean tied) {
    try {
      return (state.containsKey("first_half_blocks.0.wq.weight") ? free() : baseline())
          .tieEmbeddings(tied)
          .build();
    } catch (ConfigException impossible) {
      throw new CheckpointException(
          source, "its tensors' shapes belong to no model: " + impossible.getMessage(), impossible);
    }
  }

  private ModelConfigBuilder baseline() {
    int layers = countBlocks("blocks");
    return decoder("blocks.0.")
        .kind(ModelConfig.Kind.BASELINE)
        .numLayers(layers)
        .splitLayer(layers / 2);
  }

  private ModelConfigBuilder free() {
    int first = countBlocks("first_half_blocks");
    int second = countBlocks("second_half_blocks");
    int bits = size("encoder.readout.weight", 0);
    boolean table = size("latent_plan.post_sampler_fc.weight", 1) != bits;
    Latent latent =
        new Latent(
            Latent.Gradient.SAMPLED,
            false,
            table ? Latent.PostSampler.TABLE : Latent.PostSampler.BITS);
    String decoder = "first_half_blocks.0.";
    return decoder(decoder)
        .kind(ModelConfig.Kind.FREE)
        .numLayers(first + second)
        .splitLayer(first)
        .latentDim(bits)
        .latent(latent)
        .encoderRope(state.containsKey(ENCODER + "rope.inv_freq"))
        .encoderNumKvHeads(size(ENCODER + "wk.weight", 0) / headSize(decoder));
  }

  private ModelConfigBuilder decoder(String block) {
    int headSize = headSize(block);
    String cosines = block + "rope.cos_cached";
    return ModelConfig.builder()
        .vocabSize(size("token_embedding.weight", 0))
        .hiddenDim(size("token_embedding.weight", 1))
        .numHeads(size(block + "wq.weight", 0) / headSize)
        .numKvHeads(size(block + "wk.weight", 0) / headSize)
        .ffnHiddenDim(size(block + "ffn.w1.weight", 0))
        .maxSeqLen(state.containsKey(cosines) ? size(cosines, 1) : USUAL_LENGTH)
        .ropeTheta(ropeTheta(block, headSize));
  }

  private int countBlocks(String name) {
    int count = 0;
    while (state.containsKey(name + "." + count + ".attn_norm.weight")) {
      count++;
    }
    return count;
  }

  private int headSize(String block) {
    return 2 * size(block + "rope.inv_freq", 0);
  }

  /** From the second frequency, theta^(−2/Dh), as far as 32 bits hold it. */
  private double ropeTheta(String block, int headSize) {
    TorchTensor frequencies = tensor(block + "rope.inv_freq");
    if (headSize == 2 || !FloatElements.isFloat(frequencies.type())) {
      return USUAL_THETA;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment rows = frequencies.rows(arena);
      double theta = Math.pow(FloatElements.get(frequencies.type(), rows, 1), -headSize / 2.0);
      return Math.abs(theta / USUAL_THETA - 1) < 1e-3 ? USUAL_THETA : theta;
    }
  }

  private int size(String name, int axis) {
    List<Long> shape = tensor(name).shape();
    if (axis >= shape.size() || shape.get(axis) < 1 || shape.get(axis) > Integer.MAX_VALUE / 2) {
      throw new CheckpointException(
          source, "tensor '%s' has the shape %s, as no model's has".formatted(name, shape));
    }
    return Math.toIntExact(shape.get(axis));
  }

  private TorchTensor tensor(String name) {
    TorchTensor tensor = state.get(name);
    if (tensor == null) {
      throw new CheckpointException(
          source, "has no tensor '%s', which tells the model's shape".formatted(name));
    }
    return tensor;
  }
}
