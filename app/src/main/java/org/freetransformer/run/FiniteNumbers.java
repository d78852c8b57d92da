package org.freetransformer.run;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.JsonGeneratorDelegate;
import java.io.IOException;

/** Writes null for what JSON has no number for: Jackson alone would write the text "NaN". */
final class FiniteNumbers extends JsonGeneratorDelegate {
  FiniteNumbers(JsonGenerator to) {
    super(to);
  }

  @Override
  public void writeNumber(double number) throws IOException {
    if (Double.isFinite(number)) {
      super.writeNumber(number);
    } else {
      writeNull();
    }
  }

  @Override
  public void writeNumber(float number) throws IOException {
    if (Float.isFinite(number)) {
      super.writeNumber(number);
    } else {
      writeNull();
    }
  }
}
