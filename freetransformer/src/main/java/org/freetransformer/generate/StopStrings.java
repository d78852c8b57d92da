package org.freetransformer.generate;

import java.util.List;
import org.freetransformer.config.ConfigException;

/**
 * Strings before which a text ends. The one that is complete first ends it, the longest of several
 * that are complete at once: where a text is cut does not depend on the pieces it came in.
 *
 * @param strings none of them empty; none at all for a text that they never end
 */
public record StopStrings(List<String> strings) {
  /**
   * Copies the list.
   *
   * @throws ConfigException if a string is empty
   */
  public StopStrings {
    strings = List.copyOf(strings);
    if (strings.contains("")) {
      throw new ConfigException(
          "stop", "an empty stop string: allowed are strings of 1 character or more");
    }
  }

  /** Where the string that ends a text begins; −1 if none is complete after {@code searched}. */
  int begin(StringBuilder text, int searched) {
    int begin = -1;
    int end = Integer.MAX_VALUE;
    for (String stop : strings) {
      int found = text.indexOf(stop, Math.max(0, searched - stop.length() + 1));
      int foundEnd = found + stop.length();
      if (found >= 0 && (foundEnd < end || (foundEnd == end && found < begin))) {
        begin = found;
        end = foundEnd;
      }
    }
    return begin;
  }

  /** Characters at a text's end that could be the beginning of a stop string: the most. */
  int heldBack(StringBuilder text) {
    int most = 0;
    for (String stop : strings) {
      int length = Math.min(stop.length() - 1, text.length());
      while (length > most && text.indexOf(stop.substring(0, length), text.length() - length) < 0) {
        length--;
      }
      most = Math.max(most, length);
    }
    return most;
  }
}
