package org.freetransformer.bench.suite;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.freetransformer.bench.pytorch.PyTorch;

/** Cases of the suite gpu as the machine's own PyTorch computes them: as it is, and compiled. */
public final class PyTorchPeers {
  /** What a case's process prints before what it has to say of a peer that is missing. */
  public static final String MISSING = "peer missing: ";

  private PyTorchPeers() {}

  /**
   * A contest with both of them, where PyTorch computes on the device; else with no second peer.
   * One that cannot compute the case is missing, and if it is the first, libtorch stays in its
   * place.
   */
  static Contest beside(Contest contest, String name, Place place) {
    String device = PyTorch.device(place.isProcessor(), place.device());
    if (!PyTorch.find().isThere(device)) {
      return contest.against(null, () -> {});
    }
    Optional<PyTorch> eager = start("eager", device, name, place);
    // The optimizer's kernel is compiled as it is.
    Optional<PyTorch> compiled =
        name.endsWith("adamw") ? Optional.empty() : start("compiled", device, name, place);
    return contest.against(
        eager.map(side -> List.<Runnable>of(side::run)).orElse(contest.peers()),
        compiled.<Runnable>map(side -> side::run).orElse(null),
        () -> {
          eager.ifPresent(PyTorch::close);
          compiled.ifPresent(PyTorch::close);
        });
  }

  private static Optional<PyTorch> start(String mode, String device, String name, Place place) {
    try {
      return Optional.of(PyTorch.start(mode, device, place.threads(), words(name)));
    } catch (IllegalStateException problem) {
      System.out.println(MISSING + problem.getMessage());
      return Optional.empty();
    }
  }

  /** The operation and its sizes. */
  static List<String> words(String name) {
    String[] suiteAndCase = name.split(" ", 2);
    return switch (suiteAndCase[0]) {
      case "gemm" -> List.of(name.replace('x', ' ').split(" ", -1));
      case "mapper" -> words("mapper", MapperSuite.POSITIONS, MapperSuite.BITS, MapperSuite.WIDTH);
      case "step" -> words("step", StepSuite.sizes(suiteAndCase[1]));
      default -> kernel(suiteAndCase[1]);
    };
  }

  private static List<String> kernel(String operation) {
    return switch (operation) {
      case "linear" -> words(operation, KernelSuite.TOKENS, KernelSuite.WIDTH, KernelSuite.INNER);
      case "attention", "rope" ->
          words(
              operation,
              KernelSuite.BATCH,
              KernelSuite.LENGTH,
              KernelSuite.HEADS,
              KernelSuite.HEAD_SIZE);
      case "rmsnorm" -> words(operation, KernelSuite.TOKENS, KernelSuite.WIDTH);
      case "swiglu", "dropout" -> words(operation, KernelSuite.TOKENS, KernelSuite.INNER);
      case "cross-entropy", "softmax" ->
          words(operation, KernelSuite.TOKENS, KernelSuite.VOCABULARY);
      case "embedding" ->
          words(operation, KernelSuite.TOKENS, KernelSuite.VOCABULARY, KernelSuite.WIDTH);
      case "adamw" -> words(operation, KernelSuite.PARAMETERS);
      default -> throw new IllegalArgumentException("PyTorch has no case " + operation);
    };
  }

  private static List<String> words(String operation, int... sizes) {
    List<String> words = new ArrayList<>(List.of(operation));
    Arrays.stream(sizes).mapToObj(Integer::toString).forEach(words::add);
    return words;
  }
}
