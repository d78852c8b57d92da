package org.freetransformer.bench.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import org.freetransformer.bench.libtorch.Libtorch;
import org.freetransformer.bench.libtorch.TorchAdamW;
import org.freetransformer.bench.libtorch.TorchFusedAdamW;
import org.freetransformer.bench.libtorch.TorchOptimizer;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.optim.GradientClipping;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;

/**
 * Several steps of our optimizer and of libtorch's, composed and fused, from the same gradients.
 */
class AdamWOracleTest extends OracleTestBase {
  private static final AdamW.Config CONFIG = new AdamW.Config(0.9, 0.95, 1e-8, 0.1);
  private static final double RATE = 0.01;
  private static final double LIMIT = 1;
  private static final int STEPS = 5;
  private static final int ROWS = 7;
  private static final int COLUMNS = 37;

  private static float[] gradient(int step, int size) {
    return Operand.normal(new SplittableRandom(step * 1000L + size), size).times(0.3).values();
  }

  @Test
  void decayedAndUndecayedParametersMoveAsInTorch() {
    for (Engine engine : oracle.engines()) {
      SequencedMap<String, Parameter> parameters = new LinkedHashMap<>();
      Parameter ourWeight = Parameter.weight(engine, ROWS, COLUMNS);
      Parameter ourScale = Parameter.scale(engine, COLUMNS);
      parameters.put("weight", ourWeight);
      parameters.put("scale", ourScale);
      float[] weightBefore = ourWeight.value().toFloats();
      float[] scaleBefore = ourScale.value().toFloats();
      try (AdamW optimizer = new AdamW(engine, parameters, CONFIG)) {
        ours(engine, parameters, optimizer);
        for (TorchOptimizer theirs :
            List.of(
                new TorchAdamW(CONFIG.beta1(), CONFIG.beta2(), CONFIG.epsilon()),
                new TorchFusedAdamW(CONFIG.beta1(), CONFIG.beta2(), CONFIG.epsilon()))) {
          try (NDManager manager = Libtorch.newManager()) {
            NDArray weight = manager.create(weightBefore);
            NDArray scale = manager.create(scaleBefore);
            theirs(theirs, manager, weight, scale);
            compare(engine, "weight", ourWeight, weight);
            compare(engine, "scale", ourScale, scale);
          }
        }
        assertThat(ourWeight.value().toFloats()).isNotEqualTo(weightBefore);
      }
      parameters.values().forEach(Parameter::close);
    }
  }

  private static void compare(Engine engine, String name, Parameter ours, NDArray theirs) {
    String what = "%s after %d steps on %s".formatted(name, STEPS, engine.device().name());
    Oracle.assertClose(what, ours.value().toFloats(), theirs.toFloatArray());
  }

  private static void ours(
      Engine engine, SequencedMap<String, Parameter> parameters, AdamW optimizer) {
    for (int step = 1; step <= STEPS; step++) {
      for (Parameter parameter : parameters.values()) {
        Tensor gradient = parameter.value().grad();
        assertThat(gradient).isNotNull();
        gradient.set(gradient(step, (int) parameter.size()));
      }
      optimizer.schedule(step, RATE);
      optimizer.emitUpdate(GradientClipping.clip(engine, parameters, LIMIT).scale());
    }
  }

  private static void theirs(
      TorchOptimizer optimizer, NDManager manager, NDArray weight, NDArray scale) {
    NDArray[] moments = {
      weight.zerosLike(), weight.zerosLike(), scale.zerosLike(), scale.zerosLike()
    };
    for (int step = 1; step <= STEPS; step++) {
      NDArray weightGradient = manager.create(gradient(step, ROWS * COLUMNS));
      NDArray scaleGradient = manager.create(gradient(step, COLUMNS));
      NDArray norm = weightGradient.square().sum().add(scaleGradient.square().sum()).sqrt();
      float factor = (float) Math.min(1, LIMIT / (norm.toFloatArray()[0] + 1e-6));
      optimizer.update(
          weight, weightGradient, moments[0], moments[1], step, factor, RATE, CONFIG.weightDecay());
      optimizer.update(scale, scaleGradient, moments[2], moments[3], step, factor, RATE, 0);
    }
  }
}
