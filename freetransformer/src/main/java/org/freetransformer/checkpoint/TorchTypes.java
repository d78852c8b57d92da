package org.freetransformer.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The few classes and functions that a tensor file of PyTorch needs, and what they make. */
final class TorchTypes implements PickleReader.Types {

  /** What may be called. */
  private enum Callable {
    ORDERED_DICT,
    SIZE,
    REBUILD_TENSOR,
    REBUILD_PARAMETER
  }

  private static final Map<String, Object> ALLOWED =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("collections.OrderedDict", Callable.ORDERED_DICT),
              Map.entry("torch.Size", Callable.SIZE),
              Map.entry("torch._utils._rebuild_tensor_v2", Callable.REBUILD_TENSOR),
              Map.entry("torch._utils._rebuild_parameter", Callable.REBUILD_PARAMETER),
              Map.entry("torch.DoubleStorage", TensorType.F64),
              Map.entry("torch.FloatStorage", TensorType.F32),
              Map.entry("torch.HalfStorage", TensorType.F16),
              Map.entry("torch.BFloat16Storage", TensorType.BF16),
              Map.entry("torch.LongStorage", TensorType.I64),
              Map.entry("torch.IntStorage", TensorType.I32),
              Map.entry("torch.ShortStorage", TensorType.I16),
              Map.entry("torch.CharStorage", TensorType.I8),
              Map.entry("torch.ByteStorage", TensorType.U8),
              Map.entry("torch.BoolStorage", TensorType.BOOL)));

  private final Map<String, MemorySegment> records;
  private final String folder;
  private final String source;

  /**
   * Types of an archive.
   *
   * @param records its files by name
   * @param folder the name of the one folder in it
   */
  TorchTypes(Map<String, MemorySegment> records, String folder, String source) {
    this.records = records;
    this.folder = folder;
    this.source = source;
  }

  /** The bytes of a storage, and what is in them. */
  private record Storage(TensorType type, String name, MemorySegment bytes) {}

  @Override
  public Object global(String module, String name) {
    String full = module + "." + name;
    Object known = ALLOWED.get(full);
    if (known == null) {
      throw fail(
          "holds a Python object of type %s, which is not loaded, for that could run its code; allowed are plain values and %s"
              .formatted(shortened(full), String.join(", ", ALLOWED.keySet())));
    }
    return known;
  }

  private static String shortened(String name) {
    String printable = name.replaceAll("\\P{Print}", "?");
    return printable.length() <= 100 ? printable : printable.substring(0, 100) + "…";
  }

  @Override
  public Object call(Object callable, List<@Nullable Object> arguments) {
    if (!(callable instanceof Callable known)) {
      throw fail("its pickle is damaged: it calls what is no function");
    }
    Object result = resultOf(known, arguments);
    if (result == null) {
      throw fail(
          "its pickle is damaged: it calls %s with wrong arguments".formatted(nameOf(callable)));
    }
    return result;
  }

  /** The result, or null where the arguments are wrong. */
  private @Nullable Object resultOf(Callable callable, List<@Nullable Object> arguments) {
    int count = arguments.size();
    return switch (callable) {
      case ORDERED_DICT -> count == 0 ? new LinkedHashMap<>() : null;
      case SIZE -> count == 1 && arguments.getFirst() instanceof List<?> sizes ? sizes : null;
      // Storage, offset, sizes, strides; then requires_grad, hooks and metadata, which say nothing
      // of its content.
      case REBUILD_TENSOR ->
          count >= 4
                  && arguments.get(0) instanceof Storage storage
                  && arguments.get(1) instanceof Long offset
              ? tensor(storage, offset, numbers(arguments.get(2)), numbers(arguments.get(3)))
              : null;
      case REBUILD_PARAMETER ->
          count >= 1 && arguments.getFirst() instanceof TorchTensor tensor ? tensor : null;
    };
  }

  private TorchTensor tensor(Storage storage, long offset, List<Long> shape, List<Long> strides) {
    try {
      return new TorchTensor(
          storage.type(), shape, strides, offset, storage.name(), storage.bytes());
    } catch (IllegalArgumentException outside) {
      throw new CheckpointException(source, String.valueOf(outside.getMessage()), outside);
    }
  }

  private List<Long> numbers(@Nullable Object value) {
    if (value instanceof List<?> list && list.stream().allMatch(Long.class::isInstance)) {
      return list.stream().map(Long.class::cast).toList();
    }
    throw fail("its pickle is damaged: the sizes of a tensor are not whole numbers");
  }

  @Override
  public Object persistent(@Nullable Object id) {
    if (id instanceof List<?> parts
        && parts.size() == 5
        && "storage".equals(parts.get(0))
        && parts.get(1) instanceof TensorType type
        && parts.get(2) instanceof String key
        && parts.get(4) instanceof Long elements) {
      return storage(type, key, elements);
    }
    throw fail("its pickle is damaged: a reference to a storage is not one");
  }

  private Storage storage(TensorType type, String key, long elements) {
    MemorySegment bytes = records.get(folder + "/data/" + key);
    if (bytes == null) {
      throw fail("has no storage '%s', which a tensor needs".formatted(shortened(key)));
    }
    long held = bytes.byteSize() / type.bytes();
    if (elements < 0 || elements > held) {
      throw fail(
          "storage '%s' is to hold %d elements of %s, but has room for %d"
              .formatted(shortened(key), elements, type, held));
    }
    return new Storage(type, key, bytes.asSlice(0, elements * type.bytes()));
  }

  private static String nameOf(Object callable) {
    return ALLOWED.entrySet().stream()
        .filter(entry -> entry.getValue().equals(callable))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }

  private CheckpointException fail(String problem) {
    return new CheckpointException(source, problem);
  }
}
