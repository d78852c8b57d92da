package org.freetransformer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SafeTensorsTest {

  @TempDir private Path folder;

  private static TensorSource floats(String name, List<Long> shape, float... values) {
    return TensorSource.of(name, TensorType.F32, shape, MemorySegment.ofArray(values));
  }

  private static TensorFile sample() {
    return new TensorFile(
        Map.of("format", "pt", "config", "{\"λ\": 1}"),
        List.of(
            floats("norm.weight", List.of(2L, 3L), 1, 2, 3, 4, 5, Float.NaN),
            TensorSource.of(
                "bytes", TensorType.U8, List.of(3L), MemorySegment.ofArray(new byte[] {1, 2, -1})),
            floats("empty", List.of(0L, 7L)),
            floats("scalar", List.of(), 2.5f)));
  }

  /** A file of this header, with so many bytes of data. */
  private static byte[] file(String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  private static SafeTensors read(byte... file) {
    return SafeTensors.of(MemorySegment.ofArray(file), "file");
  }

  @Test
  void readsWhatItWrites() throws IOException {
    Path path = folder.resolve("model.safetensors");
    sample().write(path);
    try (SafeTensors file = SafeTensors.open(path)) {
      assertThat(file.metadata())
          .containsOnly(Map.entry("format", "pt"), Map.entry("config", "{\"λ\": 1}"));
      assertThat(file.tensors())
          .extracting(TensorEntry::name)
          .containsExactly("norm.weight", "bytes", "empty", "scalar");
      assertThat(file.tensor("norm.weight").shape()).containsExactly(2L, 3L);
      assertThat(file.floats("norm.weight")).containsExactly(1, 2, 3, 4, 5, Float.NaN);
      assertThat(file.floats("empty")).isEmpty();
      assertThat(file.floats("scalar")).containsExactly(2.5f);
      assertThat(file.data("bytes").toArray(ValueLayout.JAVA_BYTE)).containsExactly(1, 2, -1);
      assertThat(file.data("bytes").isReadOnly()).isTrue();
      assertThat(file.has("nothing")).isFalse();
    }
    assertThat(Files.size(path) % 64).isEqualTo(6 * 4 + 3 + 4);
    assertThat(folder).isDirectoryContaining(path::equals);
  }

  @Test
  void convertsHalvesAndDoubles() {
    String header =
        """
        {"h": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]},
         "b": {"dtype": "BF16", "shape": [1], "data_offsets": [2, 4]},
         "d": {"dtype": "F64", "shape": [1], "data_offsets": [4, 12]},
         "i": {"dtype": "I64", "shape": [1], "data_offsets": [12, 20]}}\
        """;
    byte[] bytes = file(header, 20);
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .position(bytes.length - 20)
        .putShort((short) 0x3C00)
        .putShort((short) 0xBF80)
        .putDouble(0.1);
    try (SafeTensors file = read(bytes)) {
      assertThat(file.floats("h")).containsExactly(1);
      assertThat(file.floats("b")).containsExactly(-1);
      assertThat(file.floats("d")).containsExactly(0.1f);
      assertThatThrownBy(() -> file.floats("i"))
          .hasMessage("file: tensor 'i' is I64; allowed here are F32, F64, F16 and BF16");
    }
  }

  @Test
  void takesTensorsInAnyOrderOfTheHeader() {
    String header =
        """
        {"b": {"data_offsets": [4, 8], "shape": [1], "dtype": "F32"},
         "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}\
        """;
    try (SafeTensors file = read(file(header, 8))) {
      assertThat(file.tensors()).extracting(TensorEntry::name).containsExactly("a", "b");
    }
  }

  @Test
  void namesTheNearestTensorAndFile() throws IOException {
    Path path = folder.resolve("model.safetensors");
    sample().write(path);
    try (SafeTensors file = SafeTensors.open(path)) {
      assertThatThrownBy(() -> file.data("norm.weigth"))
          .isInstanceOf(CheckpointException.class)
          .hasMessage(path + ": has no tensor 'norm.weigth'; nearest is 'norm.weight'");
    }
    Path wrong = folder.resolve("modell.safetensors");
    assertThatThrownBy(() -> SafeTensors.open(wrong))
        .hasMessage(wrong + ": does not exist; nearest there is model.safetensors");
    assertThatThrownBy(() -> SafeTensors.open(folder.resolve("no").resolve("file")))
        .hasMessageEndingWith("does not exist, and neither does its folder");
    assertThatThrownBy(() -> SafeTensors.open(folder)).hasMessageEndingWith("is not a file");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[]                                                              | must be an object",
        "{\"a\": 1}                                                      | a must be an object",
        "{} {}                                                           | follows the header",
        "{\"a\": {}}                                                     | needs a dtype",
        "{\"a\": {\"dtype\": \"F31\", \"shape\": [], \"data_offsets\": [0, 4]}} | nearest is F32",
        "{\"a\": {\"dtype\": 3}}                                         | a.dtype must be text",
        "{\"a\": {\"dtype\": \"F32\", \"dtype\": \"F32\"}}               | its dtype twice",
        "{\"a\": {\"color\": 1}}                                         | unknown field 'color'",
        "{\"a\": {\"shape\": [1.5]}}                                     | a.shape must be whole",
        "{\"a\": {\"shape\": [-1]}}                                      | -1 in its shape",
        "{\"a\": {\"shape\": [99999999999999999999]}}                    | not valid JSON",
        "{\"a\": {\"shape\": [[[[[[[[[[1]]]]]]]]]]}}                     | must be whole numbers",
        "{\"__metadata__\": {\"a\": 1}}                                  | must be text",
        "{\"__metadata__\": {\"a\": \"\", \"a\": \"\"}}                  | stands twice",
        "{\"__metadata__\": {}, \"__metadata__\": {}}                    | stands twice",
        "{\"a\":                                                         | not valid JSON",
      })
  void refusesMalformedHeaders(String header, String reason) {
    assertRefused(file(header, 0), reason);
  }

  private static String entry(String name, String shape, long begin, long end) {
    return "\"%s\": {\"dtype\": \"F32\", \"shape\": %s, \"data_offsets\": [%d, %d]}"
        .formatted(name, shape, begin, end);
  }

  @Test
  void refusesOffsetsThatDoNotFillTheData() {
    String first = entry("a", "[2]", 0, 8);
    assertRefused(file("{" + first + "}", 4), "describes 8 bytes of data, but the file has 4");
    assertRefused(file("{" + first + "}", 9), "describes 8 bytes of data, but the file has 9");
    assertRefused(file("{" + first + "," + entry("b", "[1]", 4, 8) + "}", 8), "gaps and overlaps");
    assertRefused(file("{" + first + "," + entry("b", "[1]", 9, 13) + "}", 13), "gaps and over");
    assertRefused(file("{" + first + "," + first + "}", 8), "'a' stands twice");
    assertRefused(file("{" + entry("a", "[2]", 8, 0) + "}", 8), "needs 8 bytes");
    assertRefused(file("{" + entry("a", "[3]", 0, 8) + "}", 8), "needs 12 bytes");
    assertRefused(
        file("{" + entry("a", "[4294967296, 4294967296]", 0, 0) + "}", 0), "larger than any file");
    assertRefused(
        file("{" + entry("a", "[2]", Long.MAX_VALUE - 7, Long.MAX_VALUE) + "}", 8), "needs 8");
  }

  @Test
  void refusesHeaderLengthsBeyondTheFile() {
    for (long length : new long[] {0, 1, 3, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 40}) {
      byte[] bytes = file("{}", 0);
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
      assertRefused(bytes, "header's length as " + Long.toUnsignedString(length));
    }
    for (int size = 0; size < 8; size++) {
      assertRefused(new byte[size], "has " + size + " bytes, fewer than the 8");
    }
  }

  @Test
  void refusesInvalidUtf8AndGiantNesting() {
    byte[] bytes = file("{\"a?\": 1}", 0);
    bytes[11] = (byte) 0xFF;
    assertRefused(bytes, "not valid UTF-8");
    assertRefused(file("{\"a\":".repeat(100_000), 0), "file");
    assertRefused(file("[".repeat(1_000_000), 0), "file");
  }

  private static void assertRefused(byte[] file, String reason) {
    assertThatThrownBy(() -> read(file).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith("file: ")
        .hasMessageContaining(reason)
        .message()
        .doesNotContain("\n");
  }

  /** Whatever the bytes, a file either reads from end to end or is refused in one line. */
  @Test
  void survivesRandomMutations() throws IOException {
    Path path = folder.resolve("model.safetensors");
    sample().write(path);
    byte[] valid = Files.readAllBytes(path);
    SplittableRandom random = new SplittableRandom(20_26);
    int readable = 0;
    int refused = 0;
    for (int i = 0; i < 8000; i++) {
      byte[] mutated = mutate(valid, random);
      try (SafeTensors file = read(mutated)) {
        for (TensorEntry tensor : file.tensors()) {
          assertThat(file.data(tensor.name()).toArray(ValueLayout.JAVA_BYTE))
              .hasSize((int) tensor.elements() * tensor.type().bytes());
        }
        readable++;
      } catch (CheckpointException expected) {
        assertThat(expected).message().startsWith("file: ").doesNotContain("\n");
        refused++;
      }
    }
    assertThat(readable).isGreaterThan(200);
    assertThat(refused).isGreaterThan(200);
  }

  private static byte[] mutate(byte[] valid, SplittableRandom random) {
    byte[] bytes = valid.clone();
    switch (random.nextInt(5)) {
      case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 100));
      case 1 -> bytes[random.nextInt(8)] = (byte) random.nextInt(256);
      case 2 -> {
        int from = random.nextInt(bytes.length);
        int to = random.nextInt(bytes.length);
        int length = random.nextInt(40);
        System.arraycopy(
            valid, from, bytes, to, Math.min(length, bytes.length - Math.max(from, to)));
      }
      default -> {
        for (int flips = random.nextInt(1, 4); flips > 0; flips--) {
          bytes[random.nextInt(bytes.length)] = randomByte(random);
        }
      }
    }
    return bytes;
  }

  /** Half of them with a meaning in JSON, so that some mutants get past the parser. */
  private static byte randomByte(SplittableRandom random) {
    String meaningful = "{}[]\",:0123456789eF ";
    return random.nextBoolean()
        ? (byte) random.nextInt(256)
        : (byte) meaningful.charAt(random.nextInt(meaningful.length()));
  }

  @Test
  void refusesRandomBytes() {
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 1000; i++) {
      byte[] bytes = new byte[random.nextInt(300)];
      random.nextBytes(bytes);
      assertThatThrownBy(() -> read(bytes).close()).isInstanceOf(CheckpointException.class);
    }
  }

  @Test
  void refusesToWriteNamesTwiceAndContentOfTheWrongSize() {
    assertThatThrownBy(
            () -> new TensorFile(Map.of(), List.of(floats("a", List.of()), floats("a", List.of()))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the tensor name 'a' is taken; names must differ");
    assertThatThrownBy(
            () -> new TensorFile(Map.of(), List.of(floats("__metadata__", List.of(1L), 1))))
        .hasMessageContaining("'__metadata__' is taken");
    Path path = folder.resolve("wrong.safetensors");
    TensorFile wrong = new TensorFile(Map.of(), List.of(floats("a", List.of(3L), 1, 2)));
    assertThatThrownBy(() -> wrong.write(path))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("tensor 'a' of F32 [3] needs 12 bytes, but its content gave 8");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void writesWhatAContentStreams() throws IOException {
    Path path = folder.resolve("streamed.safetensors");
    TensorSource.Content content =
        channel -> {
          for (byte i = 0; i < 100; i++) {
            channel.write(ByteBuffer.wrap(new byte[] {i}));
          }
        };
    new TensorFile(Map.of(), List.of(new TensorSource("a", TensorType.I8, List.of(100L), content)))
        .write(path);
    try (SafeTensors file = SafeTensors.open(path)) {
      assertThat(file.data("a").get(ValueLayout.JAVA_BYTE, 99)).isEqualTo((byte) 99);
    }
  }

  @Test
  void cannotBeReadOnceClosed() throws IOException {
    Path path = folder.resolve("model.safetensors");
    sample().write(path);
    MemorySegment data;
    try (SafeTensors file = SafeTensors.open(path)) {
      data = file.data("bytes");
    }
    assertThatThrownBy(() -> data.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }
}
