package examples;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.freetransformer.checkpoint.Checkpoint;
import org.freetransformer.checkpoint.CheckpointFolder;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.SafeTensors;
import org.freetransformer.config.ConfigJson;
import org.freetransformer.config.ConfigSection;
import org.freetransformer.data.DataConfig;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.generate.PlanControl;
import org.freetransformer.generate.Sampling;
import org.freetransformer.generate.StopStrings;
import org.freetransformer.generate.TextGenerator;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.model.ModelConfig;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;

/**
 * A trained model behind a class as a service would hold it: one engine and the weights, mapped
 * once, for as long as the service lives; text that streams to whoever asked; plans that are drawn,
 * replayed from an earlier answer, or pinned in single bits.
 *
 * <pre>{@code mvn -q compile exec:exec -Dexample=PlanService -Dfolder=target/run}</pre>
 *
 * <p>The folder is that of a run with {@code checkpoints} in it, of a model whose tokens are those
 * of the library itself (letters, bytes): what {@link TrainAndGenerate} writes, for one.
 */
public final class PlanService implements AutoCloseable {
  /**
   * An answer.
   *
   * @param text what was written after the prompt
   * @param plans the plan of every position, the prompt's first: replay them for the same plan
   */
  public record Answer(String text, List<Integer> plans) {}

  /** Of the draws of tokens, so that the same plans give the same text. */
  private static final long SEED = 1;

  private static final StopStrings NO_STOPS = new StopStrings(List.of());

  private final SafeTensors weights;
  private final Engine engine;
  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final TextGenerator texts;

  /** Opens the newest checkpoint that is whole. */
  public PlanService(Path checkpoints) {
    Checkpoint checkpoint =
        new CheckpointFolder(checkpoints)
            .newest(Checkpoint.Use.WEIGHTS, System.err::println)
            .orElseThrow(() ->
                new IllegalArgumentException(
                    checkpoints + " has no checkpoints; run TrainAndGenerate first"));
    weights = checkpoint.openModel();
    engine = Engine.on(Devices.cpu(Runtime.getRuntime().availableProcessors()));
    model = ModelFile.load(engine, weights);
    tokenizer = Tokenizer.of(dataOf(weights, model.config()));
    texts = new TextGenerator(model, tokenizer);
  }

  /** A checkpoint says what its model was trained on, and so how text becomes tokens. */
  private static DataConfig dataOf(SafeTensors weights, ModelConfig model) {
    String json = weights.metadata().get(ModelFile.DATA_CONFIG);
    ConfigSection section = ConfigSection.root(ConfigJson.read(json, weights.source()));
    return DataConfig.read(section, model.vocabSize(), model.maxSeqLen(), note -> {});
  }

  /**
   * Writes on from a prompt. An engine is used by one thread at a time, so callers wait in turn.
   *
   * @param plans how plans are chosen
   * @param listener gets the text piece by piece, as it is written
   */
  public synchronized Answer write(
      String prompt, int maxTokens, PlanControl plans, Consumer<String> listener) {
    TextGenerator.Request request =
        new TextGenerator.Request(
            List.of(tokenizer.encode(prompt)), maxTokens, Sampling.plain(SEED), plans, NO_STOPS);
    TextGenerator.Sample sample =
        texts.generate(request, piece -> listener.accept(piece.text())).getFirst();
    return new Answer(sample.text(), sample.plans());
  }

  /** The model lies in the mapped file and the engine's memory: it goes first, the file last. */
  @Override
  public void close() {
    model.close();
    engine.close();
    weights.close();
  }

  public static void main(String[] arguments) {
    Path checkpoints = Path.of(arguments[0], "checkpoints");
    try (PlanService service = new PlanService(checkpoints)) {
      System.out.print("drawn:    K>");
      Answer drawn = service.write("K>", 40, PlanControl.prior(1), System.out::print);

      // Another seed draws other plans; the replayed ones are those of the first answer.
      System.out.printf("%nreplayed: K>");
      PlanControl replay = PlanControl.prior(2).withReplay(drawn.plans());
      Answer replayed = service.write("K>", 40, replay, System.out::print);

      // Bit 0 of every plan is 1, whatever was drawn.
      System.out.printf("%npinned:   K>");
      PlanControl pin = PlanControl.prior(1).withPinned(0b1, 0b1);
      Answer pinned = service.write("K>", 40, pin, System.out::print);

      System.out.println();
      System.out.println(
          "replay writes to the same plans the same text: " + replayed.equals(drawn));
      System.out.println(
          "bit 0 is 1 in all plans: " + pinned.plans().stream().allMatch(plan -> (plan & 1) == 1));
    }
  }
}
