package org.freetransformer.plots;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.freetransformer.eval.PlanAnalysis;
import org.freetransformer.eval.PlanStatistics;

/** Pictures of what plans mean: their use, their position, their token, and their effect. */
public final class PlanMeaningPictures {
  private static final int TOKENS = 24;

  private final PlanAnalysis.Result result;
  private final List<String> bits;

  private PlanMeaningPictures(PlanAnalysis.Result result) {
    this.result = result;
    this.bits =
        IntStream.range(0, result.statistics().bits().size()).mapToObj(Integer::toString).toList();
  }

  /**
   * Draws all of them into a folder.
   *
   * @param tokenName how a token is written
   * @return their files
   */
  public static List<Path> draw(
      PlanAnalysis.Result result, IntFunction<String> tokenName, Path folder) throws IOException {
    PlanMeaningPictures pictures = new PlanMeaningPictures(result);
    return List.of(
        pictures.use(folder.resolve("plan-bits.png")),
        pictures.positions(folder.resolve("plan-positions.png")),
        pictures.tokens(tokenName, folder.resolve("plan-tokens.png")),
        pictures.steering(folder.resolve("plan-steering.png")));
  }

  private List<Double> each(ToDoubleFunction<PlanStatistics.Bit> figure) {
    return result.statistics().bits().stream().map(figure::applyAsDouble).toList();
  }

  private Path use(Path file) throws IOException {
    new BarChart("What each plan bit says", "plan bit", "nats", bits)
        .sideBySide()
        .part("KL", each(PlanStatistics.Bit::kl), Palette.BLUE)
        .part("of the text", each(PlanStatistics.Bit::textInformation), Palette.GREEN)
        .part("of its position", each(PlanStatistics.Bit::positionInformation), Palette.ORANGE)
        .part("of the next token", each(PlanStatistics.Bit::tokenInformation), Palette.VERMILION)
        .write(file);
    return file;
  }

  private Path positions(Path file) throws IOException {
    double[][] means = result.probe().meansByPosition();
    List<String> places = IntStream.range(0, means.length).mapToObj(Integer::toString).toList();
    new HeatMap("How often each bit is 1, by position", "position", rows(), places, turned(means))
        .write(file);
    return file;
  }

  private Path tokens(IntFunction<String> tokenName, Path file) throws IOException {
    Map<Integer, double[]> means = result.probe().meansByToken(TOKENS);
    List<String> names = means.keySet().stream().map(tokenName::apply).toList();
    new HeatMap(
            "How often each bit is 1, by the token to be predicted",
            "the commonest tokens",
            rows(),
            names,
            turned(means.values().toArray(double[][]::new)))
        .write(file);
    return file;
  }

  private Path steering(Path file) throws IOException {
    List<Double> everywhere = new ArrayList<>();
    List<Double> once = new ArrayList<>();
    result
        .effects()
        .forEach(effect -> {
          everywhere.add(effect.everywhere().totalVariation());
          once.add(effect.once().totalVariation());
        });
    new BarChart(
            "How far flipping a bit moves the next token's distribution",
            "plan bit",
            "total variation, 0 to 1",
            bits)
        .sideBySide()
        .part("flipped everywhere", everywhere, Palette.BLUE)
        .part("flipped there alone", once, Palette.ORANGE)
        .write(file);
    return file;
  }

  private List<String> rows() {
    return bits.stream().map(bit -> "bit " + bit).toList();
  }

  /** From [n][H] to [H][n]. */
  private double[][] turned(double[][] means) {
    double[][] turned = new double[bits.size()][means.length];
    for (int h = 0; h < bits.size(); h++) {
      for (int i = 0; i < means.length; i++) {
        turned[h][i] = means[i][h];
      }
    }
    return turned;
  }
}
