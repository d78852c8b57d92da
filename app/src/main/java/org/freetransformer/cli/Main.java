package org.freetransformer.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.lang.invoke.MethodHandles;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Locale;
import org.freetransformer.run.Interruption;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Entry point of {@code ft}. */
@Command(
    name = "ft",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Trains and samples the Free Transformer, in pure Java.",
    footer = {
      "",
      "Exit codes: 0 done, 1 failed while running, 2 wrong use or bad input,",
      "130 stopped by Ctrl-C with state saved."
    })
public final class Main implements Runnable {
  private static final List<Class<?>> COMMANDS =
      List.of(
          DemoCommand.class,
          DataCommand.class,
          TrainCommand.class,
          EvalCommand.class,
          CompareCommand.class,
          CollapseCommand.class,
          PlansCommand.class,
          GenerateCommand.class,
          ServeCommand.class,
          InspectCommand.class,
          CheckpointCommand.class,
          PlanRunCommand.class,
          PrecisionCommand.class,
          DevicesCommand.class,
          BenchCommand.class);

  @Spec private CommandSpec spec;

  private final Interruption interruption = new Interruption();

  private Main() {}

  /**
   * Runs the command line, and ends the JVM with its exit code if that is not 0.
   *
   * @param args the words after {@code ft}
   */
  public static void main(String[] args) {
    System.setProperty("java.awt.headless", "true");
    Locale.setDefault(Locale.ROOT); // Numbers look the same everywhere.
    // UTF-8 whatever the locale says: results hold κ, and JSON knows no other encoding.
    System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), false, UTF_8));
    System.setErr(new PrintStream(StandardError.open(), true, UTF_8));
    Main main = new Main();
    main.interruption.install();
    List<Class<?>> commands = named(args);
    if (commands.size() == 1) {
      Thread.ofPlatform().daemon().name("ahead").start(Main::initialiseAhead);
    }
    int end = main.interruption.finish(execute(main, commands, args));
    if (end != 0) {
      System.exit(end); // Looks into every jar for a logger to tell of it: good ends do without.
    }
  }

  /** Whatever a command throws, it has an exit code: else the JVM would wait for it to stop. */
  private static int execute(Main main, List<Class<?>> commands, String... args) {
    try {
      return commandLine(main, commands).execute(args);
    } catch (Throwable failure) { // Even the memory to describe it may be missing.
      System.err.println("ft: " + failure);
      return CommandLine.ExitCode.SOFTWARE;
    }
  }

  /**
   * Classes that most commands come to, and whose first use takes a tenth of a second each, while
   * the command line is read: {@link BigDecimal} raises 5 to the power 65,536, and {@link
   * MessageDigest} reads the security settings.
   */
  private static void initialiseAhead() {
    try {
      MessageDigest.getInstance("SHA-256");
      MethodHandles.lookup().ensureInitialized(BigDecimal.class);
    } catch (NoSuchAlgorithmException | IllegalAccessException _) {
      // Who needs it says so.
    }
  }

  /** The parser with every command in it. */
  static CommandLine commandLine() {
    return commandLine(new Main(), COMMANDS);
  }

  /** The command that the first word names, if it does: to read what all take costs a moment. */
  private static List<Class<?>> named(String[] args) {
    for (Class<?> known : COMMANDS) {
      if (args.length > 0 && name(known).equals(args[0])) {
        return List.of(known);
      }
    }
    return COMMANDS;
  }

  private static String name(Class<?> command) {
    return command.getAnnotation(Command.class).name();
  }

  private static CommandLine commandLine(Main main, List<Class<?>> commands) {
    CommandLine line = new CommandLine(main);
    commands.forEach(line::addSubcommand);
    giveVersion(line);
    NumberOptions.register(line);
    return line.setCaseInsensitiveEnumValuesAllowed(true)
        .registerConverter(Path.class, Main::path)
        .setParameterExceptionHandler(new WrongUse())
        .setExecutionExceptionHandler(new Failure())
        .setExecutionStrategy(Main::runAndFlush);
  }

  /** Every command has the option, and the version is that of the program. */
  private static void giveVersion(CommandLine line) {
    line.getCommandSpec().versionProvider(new Version());
    line.getSubcommands().values().forEach(Main::giveVersion);
  }

  /** An empty path would mean the current folder, where a variable of a script was not set. */
  private static Path path(String text) {
    if (text.isBlank()) {
      throw new TypeConversionException("the path is empty");
    }
    return Path.of(text);
  }

  /** What a command that can be stopped listens to. */
  Interruption interruption() {
    return interruption;
  }

  /** A full disk behind standard output must not pass for success. */
  private static int runAndFlush(ParseResult parsed) {
    try {
      int code = new RunLast().execute(parsed);
      PrintWriter out = parsed.commandSpec().commandLine().getOut();
      // Behind the writer stands System.out, which keeps what goes wrong to itself.
      if (out.checkError() || System.out.checkError()) {
        throw failure(
            parsed,
            new IllegalStateException("standard output cannot be written: closed, or disk full"));
      }
      return code;
    } catch (Error error) { // These picocli lets pass.
      throw failure(parsed, error);
    }
  }

  private static ExecutionException failure(ParseResult parsed, Throwable cause) {
    CommandLine command = parsed.asCommandLineList().getLast();
    return new ExecutionException(command, String.valueOf(cause.getMessage()), cause);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }
}
