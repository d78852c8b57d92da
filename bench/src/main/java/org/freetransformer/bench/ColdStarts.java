package org.freetransformer.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.device.Instruction.Random.Distribution;
import org.freetransformer.tensor.ops.AttentionOp;
import org.freetransformer.tensor.ops.MatMulOp;

/**
 * Starts JVMs one after the other, each of which runs matrix products and attention, forward and
 * backward, until the compilers have had their time, and counts those that stayed slow: a kernel
 * that the JIT compilers get wrong in one start of five is a hundred times slower there for good.
 * The JVM's own settings are used, not those by which the launcher makes such a start less likely.
 */
public final class ColdStarts {
  /** Processor time, the compilers' included, after which a start has had its chance. */
  private static final double CPU_SECONDS = 4;

  private static final int LAST_RUNS = 20;

  private static final Duration MOST_TIME = Duration.ofMinutes(5);

  /** Before the milliseconds that a start prints, for the JVM's warnings are in the same stream. */
  private static final String FOUND = "milliseconds ";

  /** A start is slow if its runs take so many times the median of all starts. */
  private static final double SLOW = 4;

  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private ColdStarts() {}

  /** Arguments: the number of starts, and one or more numbers of threads. */
  public static void main(String[] args) throws IOException {
    if (args.length == 2 && args[0].equals("--child")) {
      System.out.println(FOUND + millisOfLastRuns(Integer.parseInt(args[1])));
      return;
    }
    if (args.length < 2) {
      System.err.println("usage: cold-starts STARTS THREADS...");
      System.exit(2);
    }
    int starts = Integer.parseInt(args[0]);
    for (int i = 1; i < args.length; i++) {
      List<Double> millis = new ArrayList<>();
      for (int start = 0; start < starts; start++) {
        millis.add(start(args[i]));
      }
      report(args[i], millis);
    }
  }

  private static double start(String threads) throws IOException {
    List<String> command =
        List.of(
            ChildProcess.java(),
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            ColdStarts.class.getName(),
            "--child",
            threads);
    String said = ChildProcess.said("a start", command, Map.of(), MOST_TIME);
    return said.lines()
        .filter(line -> line.startsWith(FOUND))
        .mapToDouble(line -> Double.parseDouble(line.substring(FOUND.length())))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("a start told no time:%n%s".formatted(said)));
  }

  private static void report(String threads, List<Double> millis) {
    List<Double> sorted = millis.stream().sorted().toList();
    double median = sorted.get(sorted.size() / 2);
    long slow = millis.stream().filter(one -> one > SLOW * median).count();
    System.out.printf(
        Locale.ROOT,
        "%d starts on %s thread(s): %d slow; fastest %.2f ms, median %.2f ms, slowest %.2f ms%n",
        millis.size(),
        threads,
        slow,
        sorted.getFirst(),
        median,
        sorted.getLast());
  }

  /** The best run of the last ones, so that a machine that is busy elsewhere does not count. */
  private static double millisOfLastRuns(int threads) {
    try (Engine engine = Engine.on(Devices.cpu(threads))) {
      Tensor x = normal(engine, 256, 192);
      Tensor w = normal(engine, 320, 192);
      Tensor q = normal(engine, 1, 128, 2, 64);
      Tensor dy = normal(engine, 256, 320);
      Tensor dq = normal(engine, 1, 128, 2, 64);
      List.of(x, w, q).forEach(Tensor::requireGrad);
      try (Scope _ = engine.scope("cold start");
          Program program =
              Program.record(
                  engine,
                  () -> {
                    Tensor product = MatMulOp.linear(x, w);
                    product.backward(dy);
                    Tensor mixed = AttentionOp.attention(q, q, q, true, null, 0);
                    mixed.backward(dq);
                    return List.of(product, mixed);
                  })) {
        while (SYSTEM.getProcessCpuTime() < CPU_SECONDS * 1e9) {
          program.run();
        }
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i < LAST_RUNS; i++) {
          long start = System.nanoTime();
          program.run();
          best = Math.min(best, (System.nanoTime() - start) * 1e-6);
        }
        return best;
      }
    }
  }

  private static Tensor normal(Engine engine, int... dims) {
    Tensor tensor = engine.allocate("cold start", DType.F32, Shape.of(dims));
    engine.random().fill(tensor, Distribution.NORMAL, 0, 1);
    return tensor;
  }
}
