package org.freetransformer.cli;

import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads numbers of options; what is none is told in words, not by the name of a Java type. */
final class NumberOptions {
  private NumberOptions() {}

  static void register(CommandLine line) {
    ITypeConverter<Integer> small = text -> whole(text, Integer::valueOf);
    ITypeConverter<Long> large = text -> whole(text, Long::valueOf);
    line.registerConverter(int.class, small).registerConverter(Integer.class, small);
    line.registerConverter(long.class, large).registerConverter(Long.class, large);
    line.registerConverter(double.class, NumberOptions::real);
    line.registerConverter(Double.class, NumberOptions::real);
  }

  private static <T> T whole(String text, Function<String, T> parser) {
    try {
      return parser.apply(text.strip());
    } catch (NumberFormatException malformed) {
      boolean digits = text.strip().matches("[+-]?[0-9]+");
      throw new TypeConversionException(
          "'%s' %s".formatted(text, digits ? "has too many digits" : "is not a whole number"));
    }
  }

  private static double real(String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException malformed) {
      throw new TypeConversionException("'%s' is not a number, such as 0.5".formatted(text));
    }
  }
}
