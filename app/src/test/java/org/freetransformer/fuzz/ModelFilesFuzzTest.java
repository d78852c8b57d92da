package org.freetransformer.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.freetransformer.checkpoint.CheckpointException;
import org.freetransformer.checkpoint.ModelFile;
import org.freetransformer.checkpoint.TensorEntry;
import org.freetransformer.checkpoint.TensorStore;
import org.freetransformer.checkpoint.TorchFile;
import org.freetransformer.checkpoint.TorchTensor;
import org.freetransformer.model.LanguageModel;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.device.Devices;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Spoilt models: read, or refused as a {@link CheckpointException}, and nothing run. */
@Timeout(value = 30, unit = java.util.concurrent.TimeUnit.MINUTES) // Against a reader that hangs.
final class ModelFilesFuzzTest {
  private static final List<String> JSON_WORDS =
      List.of(
          "null",
          "true",
          "-1",
          "0",
          "1e999",
          "NaN",
          "9223372036854775808",
          "\"",
          "\\u0000",
          "{",
          "}",
          "[",
          "]",
          ",",
          ":",
          "{\"a\":",
          "[[[[",
          "\"llama3\"",
          "\"rope_scaling\":{",
          "\"F32\"",
          "\"U8\"",
          "\"data_offsets\":[0,0]",
          "\"shape\":[4294967296,4294967296,0]",
          "\"__metadata__\":{}",
          "\"head_dim\":8,",
          "../model.safetensors",
          "1073741824");

  /** Opcodes of pickles, and short pieces that often go together. */
  private static final List<String> PICKLE_WORDS =
      List.of(
          "]",
          ")",
          "}",
          "(",
          "t",
          "e",
          "u",
          "a",
          "s",
          "d",
          "l",
          "0",
          "1",
          "N",
          "\u0088",
          "\u0085",
          "\u0086",
          "\u0087",
          "R",
          "b",
          "Q",
          ".",
          "q\0",
          "h\0",
          "q\1",
          "h\1",
          "\u0094",
          "K\1",
          "K\4",
          "J\u00ff\u00ff\u00ff\u00ff",
          "\u008a\10\0\0\0\0\0\0\0\100",
          "M\0\1",
          "G\177\u00f0\0\0\0\0\0\0",
          "X\1\0\0\0000",
          "X\7\0\0\0storage",
          "X\3\0\0\0cpu",
          "ctorch\nFloatStorage\n",
          "ctorch\nBFloat16Storage\n",
          "ccollections\nOrderedDict\n)R",
          "ctorch._utils\n_rebuild_tensor_v2\n",
          "ctorch\nSize\n",
          "cos\nsystem\n",
          "cbuiltins\neval\n",
          "\u0093",
          "\u0095\0\0\0\0\0\0\0\0",
          "\u0080\2",
          "\u0080\5");

  @TempDir private Path folder;

  private final Engine engine = Engine.on(Devices.scalar());

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private static boolean isRefusal(Throwable problem) {
    return problem instanceof CheckpointException;
  }

  /** Reads every tensor of a model to the last byte, then makes the model. */
  private void readModel(Path path) {
    try (TensorStore store = TensorStore.open(path)) {
      for (TensorEntry entry : store.tensors()) {
        try (Arena arena = Arena.ofConfined()) {
          touch(store.rows(entry.name(), arena));
        }
      }
      try (LanguageModel model = ModelFile.load(engine, store)) {
        assertThat(model.parameterCount()).isPositive();
      }
    }
  }

  private static void touch(MemorySegment rows) {
    if (rows.byteSize() > 0) {
      rows.get(ValueLayout.JAVA_BYTE, 0);
      rows.get(ValueLayout.JAVA_BYTE, rows.byteSize() - 1);
    }
  }

  private void readTorch(Path path) {
    try (TorchFile file = TorchFile.open(path)) {
      visit(file.root());
    }
  }

  /** Reads what is in a value; parts that it shares as often as they are named, up to a limit. */
  private static void visit(@Nullable Object value) {
    if (value instanceof TorchTensor tensor) {
      try (Arena arena = Arena.ofConfined()) {
        touch(tensor.rows(arena));
      }
    } else if (value instanceof Map<?, ?> map) {
      map.values().stream()
          .limit(100)
          .filter(part -> part instanceof TorchTensor)
          .forEach(ModelFilesFuzzTest::visit);
    }
  }

  private Path file(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("file"), bytes);
  }

  @Test
  void safetensors() throws IOException {
    Path ours = folder.resolve("ours.safetensors");
    try (TensorStore seed = TensorStore.open(file(Fuzzing.resource("free.pt")))) {
      org.freetransformer.checkpoint.Conversion.toSafeTensors(seed, ours, null);
    }
    byte[] model = Files.readAllBytes(ours);
    Fuzzing.run(
        "safetensors",
        random -> {
          Mutator mutator = new Mutator(random, JSON_WORDS);
          // Most bytes are data, which can be anything: half of the files change in the header.
          int header = random.nextBoolean() ? model.length : headerBytes(model);
          byte[] changed = mutator.mutate(Arrays.copyOf(model, header));
          byte[] whole = Arrays.copyOf(changed, changed.length + model.length - header);
          System.arraycopy(model, header, whole, changed.length, model.length - header);
          return whole;
        },
        bytes -> readModel(file(bytes)),
        ModelFilesFuzzTest::isRefusal);
  }

  private static int headerBytes(byte[] file) {
    return 8 + java.nio.ByteBuffer.wrap(file).order(java.nio.ByteOrder.LITTLE_ENDIAN).getInt(0);
  }

  @Test
  void torchFiles() {
    List<byte[]> files =
        List.of(
            Fuzzing.resource("tensors.pt"),
            Fuzzing.resource("hostile.pt"),
            Fuzzing.resource("baseline.pt"));
    Fuzzing.run(
        "pytorch",
        Fuzzing.mutations(files, PICKLE_WORDS),
        bytes -> {
          Path path = file(bytes);
          try {
            readTorch(path);
          } finally {
            readModel(path);
          }
        },
        ModelFilesFuzzTest::isRefusal);
    assertThat(Path.of("hostile-code-ran")).doesNotExist();
  }

  @Test
  void pickles() {
    byte[] archive = Fuzzing.resource("tensors.pt");
    int start = indexOf(archive, new byte[] {(byte) 0x80, 2});
    int end = indexOf(archive, new byte[] {'P', 'K', 7, 8});
    assertThat(end).isGreaterThan(start + 500);
    Fuzzing.run(
        "pickle",
        random -> {
          byte[] pickle = pickle(random, Arrays.copyOfRange(archive, start, end));
          byte[] changed = archive.clone();
          System.arraycopy(pickle, 0, changed, start, pickle.length);
          return changed;
        },
        bytes -> readTorch(file(bytes)),
        ModelFilesFuzzTest::isRefusal);
    assertThat(Path.of("hostile-code-ran")).doesNotExist();
  }

  /** A spoilt pickle or one of random opcodes, in the place and length of a good one. */
  private static byte[] pickle(SplittableRandom random, byte[] good) {
    if (random.nextBoolean()) {
      byte[] changed = new Mutator(random, PICKLE_WORDS).mutate(good);
      return Arrays.copyOf(changed, good.length);
    }
    StringBuilder text = new StringBuilder();
    int words = random.nextInt(60);
    for (int i = 0; i < words; i++) {
      text.append(PICKLE_WORDS.get(random.nextInt(PICKLE_WORDS.size())));
    }
    byte[] program = text.append('.').toString().getBytes(StandardCharsets.ISO_8859_1);
    return Arrays.copyOf(program, good.length);
  }

  private static int indexOf(byte[] bytes, byte[] piece) {
    for (int i = 0; i + piece.length <= bytes.length; i++) {
      if (Arrays.equals(bytes, i, i + piece.length, piece, 0, piece.length)) {
        return i;
      }
    }
    throw new AssertionError("not found");
  }

  @Test
  void llamaConfigurations() throws IOException {
    Files.write(folder.resolve("model.safetensors"), Fuzzing.resource("llama/model.safetensors"));
    Path config = folder.resolve("config.json");
    Fuzzing.run(
        "config.json",
        Fuzzing.mutations(List.of(Fuzzing.resource("llama/config.json")), JSON_WORDS),
        bytes -> {
          Files.write(config, bytes);
          readModel(folder);
        },
        ModelFilesFuzzTest::isRefusal);
  }

  @Test
  void llamaIndexes() throws IOException {
    for (String name :
        List.of(
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors")) {
      Files.write(folder.resolve(name), Fuzzing.resource("llama-sharded/" + name));
    }
    Path index = folder.resolve("model.safetensors.index.json");
    byte[] good = Fuzzing.resource("llama-sharded/model.safetensors.index.json");
    Fuzzing.run(
        "model.safetensors.index.json",
        Fuzzing.mutations(List.of(good), JSON_WORDS),
        bytes -> {
          Files.write(index, bytes);
          readModel(folder);
        },
        ModelFilesFuzzTest::isRefusal);
  }
}
