package org.freetransformer.bench.libtorch;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A function of arrays in TorchScript, by which operations can be called that DJL has no method
 * for. A saved module is a zip with its code as text, so it is made here, without Python.
 */
final class TorchScript {
  /** A pickled {@code Peer} whose state is {@code {"training": True}}. */
  private static final byte[] OBJECT =
      "\u0080\2c__torch__\nPeer\n)\u0081}X\b\0\0\0training\u0088sb.".getBytes(ISO_8859_1);

  private static final byte[] NO_CONSTANTS = "\u0080\2).".getBytes(ISO_8859_1);
  private static final byte[] VERSION = "10\n".getBytes(UTF_8);

  private final PtSymbolBlock block;

  /**
   * Loads a function, which is kept as long as the process lives.
   *
   * @param arguments such as {@code x: Tensor, y: Tensor}
   * @param statements in the words of a saved module; the last returns a tensor
   * @throws IllegalStateException if libtorch is missing
   */
  TorchScript(String arguments, String... statements) {
    StringBuilder code =
        new StringBuilder(
            """
            class Peer(Module):
              __parameters__ = []
              __buffers__ = []
              training : bool
              def forward(self: __torch__.Peer, %s) -> Tensor:
            """
                .formatted(arguments));
    for (String statement : statements) {
      code.append("    ").append(statement).append('\n');
    }
    byte[] archive = archive(code.toString());
    try {
      block =
          JniUtils.loadModule(
              (PtNDManager) Libtorch.newManager(), new ByteArrayInputStream(archive), false, false);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  /** Computes it under the tape, if there is one; the result belongs to the first's manager. */
  NDArray call(NDArray... inputs) {
    // One operation after the other, as without a script: what the optimizer makes of so short a
    // function is slower. The setting is the thread's.
    JniUtils.setGraphExecutorOptimize(false);
    return IValueUtils.forward(block, new NDList(inputs), true).singletonOrThrow();
  }

  private static byte[] archive(String code) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      put(zip, "data.pkl", OBJECT);
      put(zip, "code/__torch__.py", code.getBytes(UTF_8));
      put(zip, "constants.pkl", NO_CONSTANTS);
      put(zip, "version", VERSION);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return bytes.toByteArray();
  }

  private static void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 sum = new CRC32();
    sum.update(content);
    ZipEntry entry = new ZipEntry("peer/" + name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(sum.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
