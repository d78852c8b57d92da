package org.freetransformer.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.freetransformer.cli.CommandLineTester.ft;

import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.freetransformer.cli.CommandLineTester.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class HelpTest {
  private static final Set<Class<?>> NUMBERS =
      Set.of(int.class, Integer.class, long.class, Long.class, double.class, Double.class);

  static Stream<String> commands() {
    return Main.commandLine().getSubcommands().keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandExplainsItselfAndAllItsOptions(String name) {
    Outcome outcome = ft(name, "--help");
    assertThat(outcome.code()).isZero();
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).startsWith("Usage: ft " + name);
    CommandLine command = Objects.requireNonNull(Main.commandLine().getSubcommands().get(name));
    for (OptionSpec option : command.getCommandSpec().options()) {
      assertThat(outcome.out()).contains(option.longestName());
      assertThat(option.description()).as(option.longestName()).isNotEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyNumberSaysWhatItMayBe(String name) {
    CommandLine command = Objects.requireNonNull(Main.commandLine().getSubcommands().get(name));
    Stream.concat(Stream.of(command), command.getSubcommands().values().stream())
        .flatMap(each -> each.getCommandSpec().options().stream())
        .filter(option -> NUMBERS.contains(option.type()) && !option.longestName().endsWith("seed"))
        .forEach(option ->
            assertThat(String.join(" ", option.description()))
                .as("%s %s", name, option.longestName())
                .containsPattern("[0-9)] to |[0-9] or more|above 0"));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandRefusesAnUnknownOptionWithTheNearestOne(String name) {
    ft(name, "--hepl").refused("unknown option '--hepl'", "did you mean", "ft " + name + " --help");
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandTellsTheVersion(String name) {
    String version = ft("--version").out();
    assertThat(version).startsWith("ft ");
    assertThat(ft(name, "--version").out()).isEqualTo(version);
    CommandLine command = Objects.requireNonNull(Main.commandLine().getSubcommands().get(name));
    for (String inner : command.getSubcommands().keySet()) {
      assertThat(ft(name, inner, "-V").out()).as(inner).isEqualTo(version);
    }
  }

  @Test
  void theProgramListsItsCommands() {
    assertThat(ft("--help").out())
        .contains("demo", "train", "eval", "generate", "inspect", "devices", "plan-run");
    ft("trian").refused("unknown command 'trian'", "did you mean 'train'");
  }
}
