package org.freetransformer.tokenizers;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import org.freetransformer.data.TextConfig;
import org.freetransformer.data.Tokenizer;

/** The tokenizer of GPT-2. Special tokens that stand in a text are read as the text they are. */
public final class Gpt2Tokenizer implements Tokenizer {
  private static final int END_OF_TEXT = TextConfig.GPT2_VOCAB_SIZE - 1;

  private final Encoding encoding =
      Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);

  /** Reads the vocabulary that comes with the library. */
  public Gpt2Tokenizer() {}

  @Override
  public int vocabSize() {
    return TextConfig.GPT2_VOCAB_SIZE;
  }

  @Override
  public OptionalInt endOfText() {
    return OptionalInt.of(END_OF_TEXT);
  }

  @Override
  public int[] encode(String text) {
    return encoding.encodeOrdinary(text).toArray();
  }

  @Override
  public String decode(int... tokens) {
    return new String(bytes(tokens), StandardCharsets.UTF_8);
  }

  @Override
  public int byteLength(int token) {
    Tokenizer.checkToken(token, TextConfig.GPT2_VOCAB_SIZE);
    return token == END_OF_TEXT ? 0 : bytes(token).length;
  }

  private byte[] bytes(int... tokens) {
    IntArrayList list = new IntArrayList(tokens.length);
    for (int token : tokens) {
      list.add(Tokenizer.checkToken(token, TextConfig.GPT2_VOCAB_SIZE));
    }
    return encoding.decodeBytes(list);
  }
}
