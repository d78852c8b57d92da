package org.freetransformer.gpu;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction.MatMul;
import org.jspecify.annotations.Nullable;

/**
 * Which products go to a device's tensor cores: those of two operands of one 16-bit type, and of
 * f32 with bf16, as in the way back of a layer whose result is f32, if TornadoVM has instructions
 * for it on the device, nobody switched them off, and a trial product gave what the plain kernel
 * gives. All others are the plain kernel's.
 *
 * @param whyNot what speaks against each type of 16 bits; empty if nothing does
 * @param mostTiles of a result that are in scratch memory at a time; a larger product is computed
 *     in pieces
 */
record TensorCores(Map<DType, String> whyNot, int mostTiles) {
  /** System property: {@code on} if not given, or {@code off}. */
  static final String PROPERTY = "ft.gpu.tensorcores";

  /** The types of 16 bits. */
  static final Set<DType> TYPES = EnumSet.of(DType.BF16, DType.F16);

  /** They take 64 MiB. */
  private static final int MOST_TILES = 1024;

  /** Smaller sides waste more than half of a tile. */
  private static final int LEAST_SIDE = TensorCoreKernels.TILE / 2;

  /** For all types alike: {@code why} they are not used, or empty if they are. */
  static TensorCores all(String why) {
    return of(_ -> why);
  }

  private static TensorCores of(Function<DType, String> whyNot) {
    Map<DType, String> reasons = new LinkedHashMap<>();
    TYPES.forEach(type -> reasons.put(type, whyNot.apply(type)));
    return new TensorCores(reasons, MOST_TILES);
  }

  /**
   * For a device.
   *
   * @param backend {@code opencl}, {@code cuda}, {@code ptx} or another
   * @param trial for a type that the backend has instructions for: what is wrong with them, or null
   * @throws IllegalArgumentException if {@link #PROPERTY} is neither {@code on} nor {@code off}
   */
  static TensorCores choose(String backend, Function<DType, @Nullable String> trial) {
    if (!Switch.isOn(PROPERTY)) {
      return all("-D%s=off".formatted(PROPERTY));
    }
    return of(type -> {
      if (!backend.equals("cuda") && !(backend.equals("ptx") && type == DType.F16)) {
        return "TornadoVM's %s backend has no instructions for them".formatted(backend);
      }
      String problem = trial.apply(type);
      return problem == null ? "" : problem;
    });
  }

  /** Whether a product is one for tensor cores. */
  boolean takes(MatMul op) {
    Buffer out = op.out().buffer();
    DType type = op.b().dtype();
    return (op.a().dtype() == type || (op.a().dtype() == DType.F32 && type == DType.BF16))
        && TYPES.contains(type)
        && whyNot.getOrDefault(type, "").isEmpty()
        && out.dim(-2) >= LEAST_SIDE
        && out.dim(-1) >= LEAST_SIDE
        && op.a().dim(-1) >= TensorCoreKernels.SLICE;
  }

  /** In one line: what computes the products, and why. */
  String description() {
    Map<String, String> typesByReason =
        whyNot.entrySet().stream()
            .collect(
                Collectors.groupingBy(
                    Map.Entry::getValue,
                    LinkedHashMap::new,
                    Collectors.mapping(
                        entry -> name(entry.getKey()), Collectors.joining(" and "))));
    return typesByReason.entrySet().stream()
        .map(entry -> "%s products %s".formatted(entry.getValue(), way(entry.getKey())))
        .collect(Collectors.joining(", "));
  }

  private static String way(String whyNot) {
    return whyNot.isEmpty() ? "on tensor cores" : "by the plain kernel (%s)".formatted(whyNot);
  }

  private static String name(DType type) {
    return type == DType.BF16 ? "bf16" : "fp16";
  }
}
