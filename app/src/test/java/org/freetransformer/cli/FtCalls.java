package org.freetransformer.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Calls of {@code ft} as files write them, held against what the program takes. */
public final class FtCalls {
  private static final Pattern WORD = Pattern.compile("(?:'[^']*'|\"[^\"]*\"|[^\\s'\"])+");
  private static final Pattern OPTION = Pattern.compile("--[a-z][a-z-]*");

  private FtCalls() {}

  /** The words of a command, cut as a shell does, without its expansions. */
  public static List<String> words(String command) {
    List<String> words = new ArrayList<>();
    Matcher matcher = WORD.matcher(command);
    while (matcher.find()) {
      words.add(matcher.group().replaceAll("['\"]", ""));
    }
    return words;
  }

  /**
   * Parses a call.
   *
   * @param words those after {@code ft}
   * @return what was given to the innermost command
   * @throws ParameterException if the program would refuse it
   */
  public static ParseResult parse(List<String> words) {
    return Main.commandLine()
        .parseArgs(words.toArray(String[]::new))
        .asCommandLineList()
        .getLast()
        .getParseResult();
  }

  /**
   * What is wrong with a call that is only told about, such as {@code train … --ranks N}: its
   * commands and options must exist, and nothing is asked of values.
   *
   * @param words those after {@code ft}
   */
  public static List<String> unknownNames(List<String> words) {
    List<String> unknown = new ArrayList<>();
    CommandLine command = Main.commandLine();
    for (String word : words) {
      if (command.getSubcommands().containsKey(word)) {
        command = command.getSubcommands().get(word);
      } else if (!command.getSubcommands().isEmpty() && word.matches("[a-z][a-z-]*")) {
        unknown.add(word);
      }
      Matcher option = OPTION.matcher(word);
      if (option.find() && !command.getCommandSpec().optionsMap().containsKey(option.group())) {
        unknown.add(option.group());
      }
    }
    return unknown;
  }
}
