package org.freetransformer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files written by PyTorch 1.13.1, and files that somebody made up. */
final class TorchFileTest {
  /** A pickle's reference to a storage of four floats: ('storage', FloatStorage, '0', 'cpu', 4). */
  private static final String STORAGE =
      "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuK\4tQ";

  private static final String REBUILD = "ctorch._utils\n_rebuild_tensor_v2\n(";

  @TempDir private Path folder;

  private TorchFile open(String resource) {
    return TorchFile.open(Resources.copy(folder, resource).resolve(resource));
  }

  private static ByteBuffer rows(Map<?, ?> tensors, String name) {
    TorchTensor tensor = (TorchTensor) Objects.requireNonNull(tensors.get(name), name);
    byte[] bytes = tensor.rows(Arena.ofAuto()).toArray(ValueLayout.JAVA_BYTE);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static float[] floats(Map<?, ?> tensors, String name) {
    ByteBuffer rows = rows(tensors, name);
    float[] floats = new float[rows.remaining() / 4];
    rows.asFloatBuffer().get(floats);
    return floats;
  }

  @ParameterizedTest
  @ValueSource(strings = {"tensors.pt", "tensors-protocol4.pt"})
  void readsWhatPyTorchWrote(String name) {
    try (TorchFile file = open(name)) {
      Map<?, ?> root = file.dictionary();
      assertThat(root.get("step")).isEqualTo(70_000L);
      assertThat(root.get("big")).isEqualTo(BigInteger.TWO.pow(70));
      assertThat(root.get("negative")).isEqualTo(-3L);
      assertThat(root.get("loss")).isEqualTo(0.125);
      assertThat(root.get("note")).isEqualTo("κ");
      assertThat(root.get("flag")).isEqualTo(true);
      assertThat(root.containsKey("nothing")).isTrue();
      assertThat(root.get("nothing")).isNull();
      assertThat(root.get("pair")).isEqualTo(List.of(1L, List.of(2L, 3L)));
      assertThat(root.get("list")).isEqualTo(List.of(1L, List.of(2L, "x"), Map.of()));
      assertThat(root.get("again")).isSameAs(root.get("list"));
      assertThat(root.get("size")).isEqualTo(List.of(4L, 5L));
      assertThat(root.get(7L)).isEqualTo("seven");

      Map<?, ?> tensors = (Map<?, ?>) Objects.requireNonNull(root.get("tensors"));
      assertThat(floats(tensors, "f32")).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
      assertThat(floats(tensors, "transposed"))
          .containsExactly(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11);
      assertThat(floats(tensors, "column")).containsExactly(1, 5, 9);
      assertThat(floats(tensors, "scalar")).containsExactly(2.5f);
      assertThat(floats(tensors, "empty")).isEmpty();
      assertThat(floats(tensors, "parameter")).containsExactly(9);
      assertThat(rows(tensors, "f64").getDouble(8)).isEqualTo(-2.25);
      assertThat(Float.float16ToFloat(rows(tensors, "f16").getShort(2))).isEqualTo(-65504);
      assertThat(rows(tensors, "bf16").getShort(2)).isEqualTo((short) 0xC049);
      assertThat(rows(tensors, "i64").getLong(0)).isEqualTo(1L << 40);
      assertThat(rows(tensors, "i32").getInt(4)).isEqualTo(-2);
      assertThat(rows(tensors, "i16").getShort(0)).isEqualTo((short) 300);
      assertThat(rows(tensors, "i8").get(0)).isEqualTo((byte) -5);
      assertThat(rows(tensors, "u8").get(0)).isEqualTo((byte) 250);
      assertThat(rows(tensors, "bool").array()).containsExactly(1, 0);
    }
  }

  @Test
  void tellsTensorsThatShareAStorage() {
    try (TorchFile file = open("tensors.pt")) {
      Map<?, ?> tensors = (Map<?, ?>) Objects.requireNonNull(file.dictionary().get("tensors"));
      TorchTensor one = (TorchTensor) Objects.requireNonNull(tensors.get("f32"));
      assertThat(tensors.get("same")).isEqualTo(one);
      assertThat(((TorchTensor) Objects.requireNonNull(tensors.get("f16"))).storage())
          .isNotEqualTo(one.storage());
    }
  }

  @Test
  void copiesNothingThatStandsInOrder() {
    try (TorchFile file = open("tensors.pt")) {
      Map<?, ?> tensors = (Map<?, ?>) Objects.requireNonNull(file.dictionary().get("tensors"));
      TorchTensor f32 = (TorchTensor) Objects.requireNonNull(tensors.get("f32"));
      MemorySegment rows =
          f32.rows((bytes, alignment) -> {
            throw new AssertionError("copied");
          });
      assertThat(rows.isReadOnly()).isTrue();
      assertThat(rows.address()).isEqualTo(f32.bytes().address());
    }
  }

  @Test
  void runsNoCodeOfAFile() {
    assertThatThrownBy(() -> open("hostile.pt"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("hostile.pt: holds a Python object of type posix.system")
        .hasMessageContaining("allowed are plain values and collections.OrderedDict")
        .hasMessageContaining("torch.BFloat16Storage");
    // The file asks os.system to make this file.
    assertThat(Path.of("hostile-code-ran")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          cbuiltins\\neval\\n.                   | type builtins.eval, which is not loaded
          ccollections\\nOrderedDict\\n)R)b.     | ok
          cos\\nsystem\\nX\\2\\0\\0\\0ls\\205R.  | type os.system
          X\\2\\0\\0\\0osX\\6\\0\\0\\0system\\223. | type os.system
          ccollections\\nOrderedDict\\nK\\1R.    | arguments of a call are not a tuple
          ccollections\\nOrderedDict\\nK\\1\\205R. | calls collections.OrderedDict with wrong arguments
          ctorch\\nFloatStorage\\n)R.            | calls what is no function
          K\\1)R.                                | calls what is no function
          N)R.                                   | calls what is no function
          \\200\\6N.                             | protocol 6; allowed are 2 to 5
          I1\\n.                                 | opcode 0x49 at byte 0
          i                                      | opcode 0x69
          .                                      | takes a value where there is none
          (.                                     | takes a value where there is none
          t.                                     | takes a group where there is none
          K\\1(s.                                | takes a value where there is none
          }}K\\1s.                               | neither text nor a number
          ]K\\1K\\2s.                            | items of something that is not a dictionary
          }K\\1a.                                | appends to something that is not a list
          )K\\1a.                                | appends to something that is not a list
          K\\1Nb.                                | attributes of something that is not a dictionary
          h\\7.                                  | refers to value 7, which is not there
          ]q\\0h\\0a.                            | nests deeper than 64 levels, or without end
          }q\\0K\\1h\\0s.                        | nests deeper than 64 levels, or without end
          X\\377\\377\\377\\177a.                | asks for 2147483647 more, 2 are left
          \\215\\377\\377\\377\\377\\377\\377\\377\\377a. | asks for 18446744073709551615 more
          \\213\\0\\1\\0\\0.                     | number of 256 bytes
          X\\1\\0\\0\\0\\377.                    | not UTF-8
          K                                      | asks for 1 more, 0 are left
          K\\1Q.                                 | reference to a storage is not one
          """)
  void refusesPickles(String escaped, String problem) {
    // Octal and \n escapes, as Java's own text has them.
    String pickle = escaped.translateEscapes();
    if (problem.equals("ok")) {
      assertThat(TorchArchive.of(pickle).read().root()).isEqualTo(Map.of());
    } else {
      assertThatThrownBy(() -> TorchArchive.of(pickle).read())
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith("file: ")
          .hasMessageContaining(problem);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          K\\0(K\\2K\\2t(K\\2K\\1t   | ok
          K\\0(K\\4t(K\\1t           | ok
          K\\3(t(t                   | ok
          K\\4(K\\0t(K\\1t           | ok
          K\\0(K\\2K\\2t(K\\1K\\2t   | ok
          K\\0(K\\5t(K\\1t           | shape [5] and strides [1] does not fit
          K\\1(K\\4t(K\\1t           | shape [4] and strides [1] does not fit
          K\\0(K\\4t(K\\0t           | ok
          K\\0(K\\5t(K\\0t           | does not fit its storage
          K\\0(K\\2t(K\\4t           | does not fit its storage
          K\\4(t(t                   | does not fit its storage
          K\\0(K\\4t(t               | does not fit its storage
          J\\377\\377\\377\\377(t(t  | does not fit its storage
          K\\0(K\\2t(J\\377\\377\\377\\377t | does not fit its storage
          K\\0(\\212\\10\\0\\0\\0\\0\\0\\0\\0\\1\\212\\10\\0\\0\\0\\0\\0\\0\\0\\1t(K\\1K\\1t | does not fit its storage
          K\\0(K\\3t(\\212\\10\\377\\377\\377\\377\\377\\377\\377\\177t | does not fit its storage
          K\\0X\\1\\0\\0\\0a)         | sizes of a tensor are not whole numbers
          """)
  void keepsTensorsInTheirStorage(String escaped, String problem) {
    String pickle = REBUILD + STORAGE + escaped.translateEscapes() + "\211)tR.";
    TorchArchive archive = TorchArchive.of(pickle).with("archive/data/0", new byte[16]);
    if (problem.equals("ok")) {
      TorchTensor tensor = archive.read().tensor();
      assertThat(tensor.rows(Arena.ofAuto()).byteSize()).isEqualTo(tensor.elements() * 4);
    } else {
      assertThatThrownBy(archive::read)
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(problem);
    }
  }

  @Test
  void refusesStoragesThatAreMissingOrTooSmall() {
    String pickle = REBUILD + STORAGE + "K\0(t(t\211)tR.";
    assertThatThrownBy(() -> TorchArchive.of(pickle).read())
        .hasMessageContaining("has no storage '0', which a tensor needs");
    assertThatThrownBy(() -> TorchArchive.of(pickle).with("archive/data/0", new byte[15]).read())
        .hasMessageContaining("storage '0' is to hold 4 elements of F32, but has room for 3");
  }

  @Test
  void tellsWhatElseAFileIs() throws IOException {
    assertThatThrownBy(() -> open("old.pt"))
        .hasMessageContaining("in the format of PyTorch before 1.6; load and save it once");
    Path missing = folder.resolve("modl.pt");
    Files.write(folder.resolve("model.pt"), new byte[3]);
    assertThatThrownBy(() -> TorchFile.open(missing))
        .hasMessageContaining("does not exist; nearest there is model.pt");
    assertThatThrownBy(() -> TorchFile.open(folder.resolve("model.pt")))
        .hasMessageContaining("is not a file of torch.save");
    byte[] packed = TorchArchive.of("N.").bytes(ZipEntry.DEFLATED);
    assertThatThrownBy(() -> TorchFile.of(MemorySegment.ofArray(packed), "file"))
        .hasMessageContaining("compresses or encrypts 'archive/data.pkl'");
    assertThatThrownBy(() -> new TorchArchive().with("a/constants.pkl", new byte[1]).read())
        .hasMessageContaining("not one of torch.save: it has no FOLDER/data.pkl");
    byte[] big = "big".getBytes(StandardCharsets.US_ASCII);
    assertThatThrownBy(() -> TorchArchive.of("N.").with("archive/byteorder", big).read())
        .hasMessageContaining("big-endian");
    assertThatThrownBy(() -> TorchArchive.of("K\7.").read().tensor())
        .hasMessage("file: holds the number 7; one tensor is needed");
  }

  @Test
  void readsTheRecordsThatPyTorch2Adds() {
    byte[] little = "little".getBytes(StandardCharsets.US_ASCII);
    TorchArchive archive =
        TorchArchive.of("\200\2K\7.")
            .with("archive/.format_version", (byte) '1')
            .with("archive/.storage_alignment", (byte) '6', (byte) '4')
            .with("archive/byteorder", little)
            .with("archive/version", (byte) '3', (byte) '\n')
            .with("archive/.data/serialization_id", new byte[40]);
    assertThat(archive.read().root()).isEqualTo(7L);
  }

  @Test
  void survivesAnyCut() {
    byte[] whole = Resources.bytes("tensors.pt");
    for (int length = 0; length < whole.length; length += 7) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> TorchFile.of(MemorySegment.ofArray(cut), "file"))
          .isInstanceOf(CheckpointException.class);
    }
  }

  @Test
  void sharedPartsCostNothing() {
    // Each list holds the one before twice: 2^60 values for whoever would walk them all.
    String start = "]q\0";
    String next = "]h\0ah\0aq\0";
    assertThat(TorchArchive.of(start + next.repeat(60) + ".").read().root())
        .isInstanceOf(List.class);
    assertThatThrownBy(() -> TorchArchive.of(start + next.repeat(70) + ".").read())
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("nests deeper than 64 levels");
  }
}
