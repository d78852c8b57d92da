package org.freetransformer.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import org.freetransformer.data.Tokenizer;
import org.freetransformer.model.LanguageModel;
import org.jspecify.annotations.Nullable;

/**
 * Writes text: a {@link Generator} whose tokens become text as they come, up to a stop string or
 * the token that ends a text.
 *
 * <pre>{@code
 * new TextGenerator(model, tokenizer).generate(request, piece -> System.out.print(piece.text()));
 * }</pre>
 */
public final class TextGenerator {
  /** Why a text ended. */
  public enum FinishReason {
    /** It has as many tokens as were asked for, or as the model takes. */
    LENGTH,
    /** The token came that stands between texts. */
    STOP,
    /** A stop string came. */
    STOP_STRING
  }

  /**
   * What to write.
   *
   * @param prompts a prompt for each sample, of 1 to max_seq_len tokens; lengths may differ
   * @param maxTokens most new tokens of a sample, 1 or more
   * @param sampling how tokens are chosen
   * @param plans which plans they are written to
   * @param stops strings before which a text ends
   */
  public record Request(
      List<int[]> prompts, int maxTokens, Sampling sampling, PlanControl plans, StopStrings stops) {
    /** Copies the list. */
    public Request {
      prompts = List.copyOf(prompts);
    }
  }

  /**
   * What a token adds to its sample's text.
   *
   * @param sample number of its sample
   * @param token the token
   * @param plan the plan of its position; 0 for a baseline
   * @param text what it adds: nothing where it stands for half a character, or a stop string may
   *     have begun; what is held back so belongs to a later token
   * @param ends why the sample ends with it; null if it goes on
   */
  public record Piece(int sample, int token, int plan, String text, @Nullable FinishReason ends) {}

  /** Is told of every piece as it is written. */
  @FunctionalInterface
  public interface PieceListener {
    /**
     * Called in the order of positions, samples in turn. What it throws ends all samples, and is
     * thrown on.
     */
    void onPiece(Piece piece);
  }

  /**
   * One written sample.
   *
   * @param text without the prompt, the stop string and the token that ended it
   * @param pieces what each token added to it
   * @param tokens the new tokens, those that ended it among them
   * @param plans the plan of every position, the prompt's first; empty for a baseline
   * @param finishReason why it ended
   */
  public record Sample(
      String text,
      List<String> pieces,
      List<Integer> tokens,
      List<Integer> plans,
      FinishReason finishReason) {}

  private final Generator generator;
  private final Tokenizer tokenizer;
  private final Set<Integer> stopTokens;

  /** A writer with a model, which stays the caller's. */
  public TextGenerator(LanguageModel model, Tokenizer tokenizer) {
    this.generator = new Generator(model);
    this.tokenizer = tokenizer;
    this.stopTokens = stopTokens(tokenizer);
  }

  /**
   * Writes all samples side by side; the same for the same model, request and seeds.
   *
   * @throws IllegalArgumentException if a prompt is empty, too long or has a token that the model
   *     does not know, or a plan has too many bits
   */
  public List<Sample> generate(Request request, PieceListener listener) {
    List<Draft> drafts = request.prompts().stream().map(_ -> new Draft(request.stops())).toList();
    List<Generator.Sample> samples =
        generator.generate(
            new Generator.Request(
                request.prompts(),
                request.maxTokens(),
                request.sampling(),
                request.plans(),
                stopTokens),
            token -> {
              Piece piece = drafts.get(token.sample()).add(token);
              listener.onPiece(piece);
              return piece.ends() == null;
            });
    return IntStream.range(0, drafts.size())
        .mapToObj(i -> drafts.get(i).finished(samples.get(i)))
        .toList();
  }

  /** A sample's text while it is written. */
  private final class Draft {
    private final SampleText text;
    private final List<String> pieces = new ArrayList<>();
    private @Nullable FinishReason reason;

    Draft(StopStrings stops) {
      text = new SampleText(tokenizer, stops);
    }

    Piece add(Generator.Token token) {
      if (standsForText(tokenizer, token.id())) {
        text.add(token.id());
      }
      if (token.ends() != null) {
        text.finish(); // What is held back may hold a stop string's end, too.
      }
      FinishReason ends = ends(token.ends());
      String piece = text.take();
      pieces.add(piece);
      reason = ends;
      return new Piece(token.sample(), token.id(), token.plan(), piece, ends);
    }

    private @Nullable FinishReason ends(Generator.@Nullable FinishReason reason) {
      if (text.isStopped()) {
        return FinishReason.STOP_STRING;
      }
      return switch (reason) {
        case null -> null;
        case STOP -> FinishReason.STOP;
        case LENGTH, LISTENER -> FinishReason.LENGTH;
      };
    }

    Sample finished(Generator.Sample sample) {
      if (reason == null) {
        throw new IllegalStateException("a sample that goes on was taken for a finished one");
      }
      return new Sample(text.text(), List.copyOf(pieces), sample.tokens(), sample.plans(), reason);
    }
  }

  /** The tokens that end a text: one, where the next would begin, or none. */
  public static Set<Integer> stopTokens(Tokenizer tokenizer) {
    OptionalInt end = tokenizer.endOfText();
    return end.isPresent() ? Set.of(end.getAsInt()) : Set.of();
  }

  /** The text of tokens that a model wrote, as {@link Sample#text} has it. */
  public static String text(Tokenizer tokenizer, List<Integer> tokens) {
    return tokenizer.decode(
        tokens.stream()
            .mapToInt(Integer::intValue)
            .filter(token -> standsForText(tokenizer, token))
            .toArray());
  }

  /** Not the end of a text, nor what only the model has, whose vocabulary may be rounded up. */
  private static boolean standsForText(Tokenizer tokenizer, int token) {
    return token != tokenizer.endOfText().orElse(-1) && token < tokenizer.vocabSize();
  }

  /**
   * What each token of a text adds to it: nothing where it stands for half a character.
   *
   * @throws IllegalArgumentException if the tokenizer does not know a token
   */
  public static List<String> pieces(Tokenizer tokenizer, int... tokens) {
    SampleText text = new SampleText(tokenizer, new StopStrings(List.of()));
    List<String> pieces = new ArrayList<>();
    for (int i = 0; i < tokens.length; i++) {
      text.add(tokens[i]);
      if (i == tokens.length - 1) {
        text.finish();
      }
      pieces.add(text.take());
    }
    return pieces;
  }
}
