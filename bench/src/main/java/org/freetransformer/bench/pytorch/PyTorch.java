package org.freetransformer.bench.pytorch;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * PyTorch with one case, in a process of Python that computes it once for each line that it gets,
 * and answers when the device is done. So it takes turns with ours in one round, like any peer.
 */
public final class PyTorch implements AutoCloseable {
  /** Environment variable that names Python; {@code python3} if it is not set. */
  static final String PYTHON = "FT_PYTHON";

  private static final String SCRIPT = "/org/freetransformer/bench/pytorch_peer.py";
  private static final String ASK =
      "import torch; print(torch.__version__, torch.cuda.is_available())";

  private final Process process;
  private final BufferedReader answers;

  private PyTorch(Process process) {
    this.process = process;
    answers = process.inputReader(StandardCharsets.UTF_8);
  }

  /**
   * What there is of PyTorch.
   *
   * @param version such as {@code 2.13.0+cu128}; empty if there is none
   * @param knowsCuda whether it computes on GPUs
   */
  public record Found(String version, boolean knowsCuda) {
    /** In words, for a device of that name. */
    public String describe(String device) {
      if (version.isEmpty()) {
        return "no PyTorch, which python3 or the program named by %s may have".formatted(PYTHON);
      }
      String where = isThere(device) ? " on its " + device : ", which has no CUDA";
      return "PyTorch " + version + where;
    }

    /** Whether it computes on a device, named as PyTorch does. */
    public boolean isThere(String device) {
      return !version.isEmpty() && (knowsCuda || !device.startsWith("cuda"));
    }
  }

  /** Asks Python, which takes seconds; nothing is there where it cannot be asked. */
  public static Found find() {
    return find(python());
  }

  static Found find(String python) {
    try {
      Process asked =
          new ProcessBuilder(python, "-c", ASK)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String[] words;
      try (BufferedReader reader = asked.inputReader(StandardCharsets.UTF_8)) {
        words = Objects.requireNonNullElse(reader.readLine(), "").split(" ", -1);
        reader.transferTo(Writer.nullWriter());
      }
      boolean answered = asked.waitFor() == 0 && words.length == 2;
      return answered
          ? new Found(words[0], Boolean.parseBoolean(words[1].toLowerCase(Locale.ROOT)))
          : new Found("", false);
    } catch (IOException noPython) {
      return new Found("", false);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Found("", false);
    }
  }

  private static String python() {
    return Objects.requireNonNullElse(System.getenv(PYTHON), "python3");
  }

  /**
   * PyTorch's name of a device that is the processor, or is not and has an id of ours. Other
   * backends than CUDA may count devices otherwise, so reports say which one it is.
   */
  public static String device(boolean isProcessor, String id) {
    return isProcessor ? "cpu" : "cuda:" + id.split(":", -1)[1];
  }

  /**
   * Starts a case and computes it some times.
   *
   * @param mode {@code eager} or {@code compiled}
   * @param device {@code cpu} or {@code cuda:N}
   * @param words the case, as the script has it
   * @throws IllegalStateException with what it said last, if this PyTorch cannot compute it, such
   *     as one without a compiler
   */
  public static PyTorch start(String mode, String device, int threads, List<String> words) {
    return start(python(), mode, device, threads, words);
  }

  static PyTorch start(String python, String mode, String device, int threads, List<String> words) {
    try {
      Path script = Files.createTempFile("pytorch_peer", ".py");
      Path errors = Files.createTempFile("pytorch_peer", ".err");
      try (InputStream in =
          Objects.requireNonNull(PyTorch.class.getResourceAsStream(SCRIPT), SCRIPT)) {
        Files.copy(in, script, StandardCopyOption.REPLACE_EXISTING);
        List<String> command = new ArrayList<>(List.of(python, "-u", script.toString()));
        command.addAll(List.of(mode, device, Integer.toString(threads)));
        command.addAll(words);
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
        builder.environment().put("OMP_WAIT_POLICY", "PASSIVE"); // Ours has its turn next.
        PyTorch started = new PyTorch(builder.start());
        if (!"ready".equals(started.answer())) {
          started.end();
          throw new IllegalStateException(
              "PyTorch (%s) cannot compute %s: %s"
                  .formatted(mode, String.join(" ", words), lastLine(errors)));
        }
        return started;
      } finally {
        Files.delete(script);
        Files.delete(errors);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String lastLine(Path said) throws IOException {
    return Files.readString(said, StandardCharsets.UTF_8)
        .lines()
        .filter(line -> !line.isBlank())
        .reduce((_, last) -> last.strip())
        .orElse("it said nothing");
  }

  /** Ends the process and waits until it has said all. */
  private void end() {
    process.destroy();
    process.onExit().join();
  }

  private @Nullable String answer() throws IOException {
    return answers.readLine();
  }

  /**
   * Computes the case once.
   *
   * @throws IllegalStateException if the process has ended
   */
  public void run() {
    try {
      process.getOutputStream().write('\n');
      process.getOutputStream().flush();
      if (!"done".equals(answer())) {
        throw new IllegalStateException("PyTorch's process ended within a case");
      }
    } catch (IOException e) {
      throw new IllegalStateException("PyTorch's process ended within a case", e);
    }
  }

  /** Ends the process. */
  @Override
  public void close() {
    process.destroy();
  }
}
