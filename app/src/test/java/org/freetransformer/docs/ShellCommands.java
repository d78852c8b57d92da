package org.freetransformer.docs;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.freetransformer.docs.MarkdownPage.Block;

/** The commands in blocks of code: of sh, and in records of a terminal the lines after a $. */
final class ShellCommands {
  private static final Set<String> SHELLS = Set.of("sh", "bash", "console");
  private static final String PROMPT = "$ ";

  private ShellCommands() {}

  static List<String> of(Block block) {
    List<String> commands = new ArrayList<>();
    boolean shell = SHELLS.contains(block.language());
    boolean terminal = block.code().startsWith(PROMPT);
    if (!shell && !terminal) {
      return commands;
    }
    for (String line : block.code().replaceAll("\\\\\\n\\s*", "").split("\n", -1)) {
      if (!terminal) {
        commands.addAll(split(line));
      } else if (line.startsWith(PROMPT)) {
        commands.addAll(split(line.substring(PROMPT.length())));
      }
    }
    return commands;
  }

  /** The commands of a line, without what a comment says. */
  private static List<String> split(String line) {
    List<String> commands = new ArrayList<>();
    StringBuilder command = new StringBuilder();
    char quote = 0;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (quote == 0 && c == '#' && (i == 0 || line.charAt(i - 1) == ' ')) {
        break;
      }
      if (quote == 0 && (c == ';' || c == '|' || c == '&')) {
        commands.add(command.toString().strip());
        command.setLength(0);
        continue;
      }
      if (c == '\'' || c == '"') {
        quote = quote == c ? 0 : quote == 0 ? c : quote;
      }
      command.append(c);
    }
    commands.add(command.toString().strip());
    commands.removeIf(String::isEmpty);
    return commands;
  }
}
