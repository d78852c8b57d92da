package examples;

import java.util.List;
import java.util.Random;
import org.freetransformer.nn.Linear;
import org.freetransformer.nn.Module;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.optim.GradientClipping;
import org.freetransformer.nn.optim.LearningRateSchedule;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.autograd.GradientCheck;
import org.freetransformer.tensor.device.Devices;

/**
 * A training loop of one's own on {@code tensor} and {@code nn} alone, without a language model: a
 * small network learns the 10th, 50th and 90th percentile of noisy numbers, with a module, a loss
 * and a loop that are all in this file. It shows automatic differentiation, a gradient check, a
 * step that is recorded once and replayed, and AdamW with clipping.
 *
 * <pre>{@code mvn -q compile exec:exec -Dexample=CustomTraining}</pre>
 *
 * <p>In the end it counts how many fresh numbers lie below each curve: 0.10, 0.50 and 0.90 of them
 * would be perfect.
 */
public final class CustomTraining {
  private static final float[] LEVELS = {0.1f, 0.5f, 0.9f};
  private static final int BATCH = 128;
  private static final int STEPS = 1500;

  private CustomTraining() {}

  /** One hidden layer with biases: x [B, 1] to a prediction for each level [B, 3]. */
  private static final class Curves extends Module {
    private static final int WIDTH = 32;
    private final Linear in;
    private final Parameter hiddenBias;
    private final Linear out;
    private final Parameter outBias;

    Curves(Engine engine) {
      in = child("in", new Linear(engine, 1, WIDTH));
      hiddenBias = parameter("hidden_bias", Parameter.vector(engine, WIDTH));
      out = child("out", new Linear(engine, WIDTH, LEVELS.length));
      outBias = parameter("out_bias", Parameter.vector(engine, LEVELS.length));
    }

    Tensor forward(Tensor x) {
      Tensor hidden = in.forward(x).add(hiddenBias.value()).tanh();
      return out.forward(hidden).add(outBias.value());
    }
  }

  /**
   * The pinball loss, whose minimum is the percentile: an error e = target − prediction costs
   * level·e above the curve and (level − 1)·e below it.
   *
   * @param prediction [B, 3]
   * @param target [B, 1]
   * @param levels [3]
   */
  private static Tensor pinball(Tensor prediction, Tensor target, Tensor levels) {
    Tensor error = target.sub(prediction);
    return error.mul(levels).maximum(error.mul(levels.add(-1))).mean();
  }

  /** Does the loss's backward pass agree with finite differences? It is an error if not. */
  private static void checkGradient(Engine engine) {
    try (Scope _ = engine.scope("gradient check")) {
      Tensor prediction = engine.tensor(new double[] {0.3, -0.2, 1.5}, 1, 3).requireGrad();
      Tensor target = engine.tensor(new double[] {0.7}, 1, 1);
      Tensor levels = engine.tensor(new double[] {0.1, 0.5, 0.9}, 3);
      GradientCheck.standard().require(() -> pinball(prediction, target, levels), prediction);
    }
  }

  /** Numbers x in [−3, 3], and y = sin x with noise that grows to the right. */
  private static final class Numbers {
    private final Random random;
    final float[] x = new float[BATCH];
    final float[] y = new float[BATCH];

    Numbers(long seed) {
      random = new Random(seed);
    }

    void next() {
      for (int i = 0; i < BATCH; i++) {
        x[i] = random.nextFloat(-3, 3);
        y[i] = (float) (Math.sin(x[i]) + 0.1 * (x[i] + 4) * random.nextGaussian());
      }
    }
  }

  public static void main(String[] arguments) {
    try (Engine engine = Engine.on(Devices.cpu(1))) {
      checkGradient(engine);
      System.out.println("the loss's gradient agrees with finite differences");
      engine.random().seed(1);
      try (Curves model = new Curves(engine)) {
        train(engine, model);
        printShares(engine, model);
      }
    }
  }

  private static void train(Engine engine, Curves model) {
    // What changes from step to step lies in tensors that are made before the recording.
    Tensor x = engine.allocate("inputs", DType.F32, Shape.of(BATCH, 1));
    Tensor y = engine.allocate("inputs", DType.F32, Shape.of(BATCH, 1));
    Tensor levels = engine.allocate("inputs", DType.F32, Shape.of(LEVELS.length)).set(LEVELS);
    LearningRateSchedule rates =
        new LearningRateSchedule(LearningRateSchedule.Kind.COSINE, 2e-2, 0.01, 50, STEPS, 1);
    Numbers numbers = new Numbers(1);
    try (AdamW optimizer =
            new AdamW(engine, model.parameters(), new AdamW.Config(0.9, 0.99, 1e-8, 0));
        Program step =
            Program.record(
                engine,
                () -> {
                  Tensor loss = pinball(model.forward(x), y, levels);
                  loss.backward();
                  var clipped = GradientClipping.clip(engine, model.parameters(), 1);
                  optimizer.emitUpdate(clipped.scale()); // The gradients are 0 after it.
                  return List.of(loss);
                })) {
      for (int number = 1; number <= STEPS; number++) {
        numbers.next();
        x.set(numbers.x);
        y.set(numbers.y);
        optimizer.schedule(number, rates.at(number));
        step.run();
        if (number == 1 || number % 500 == 0) {
          System.out.printf("step %d loss %.4f%n", number, step.outputs().getFirst().item());
        }
      }
    }
    for (Tensor input : List.of(x, y, levels)) {
      input.close();
    }
  }

  /** Without a recording every operation runs at once. */
  private static void printShares(Engine engine, Curves model) {
    Numbers fresh = new Numbers(2);
    int batches = 50;
    int[] below = new int[LEVELS.length];
    for (int batch = 0; batch < batches; batch++) {
      fresh.next();
      try (Scope _ = engine.scope("evaluation");
          Engine.Mode _ = engine.noGrad()) {
        float[] curves = model.forward(engine.tensor(fresh.x, BATCH, 1)).toFloats();
        for (int i = 0; i < curves.length; i++) {
          below[i % LEVELS.length] += fresh.y[i / LEVELS.length] < curves[i] ? 1 : 0;
        }
      }
    }
    for (int i = 0; i < LEVELS.length; i++) {
      double share = below[i] / (double) (batches * BATCH);
      System.out.printf("below the %.0f %% curve: %.2f%n", 100 * LEVELS[i], share);
    }
  }
}
