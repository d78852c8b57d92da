package org.freetransformer.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.freetransformer.checkpoint.AtomicFile;

/**
 * Writes sequences as the original repository does: one tensor of 64-bit tokens [N,S] as {@code
 * torch.save} writes it, an uncompressed zip archive with a pickle, and metadata beside it.
 */
public final class SeedSequencesWriter {

  private static final int TOKEN_BYTES = Long.BYTES;

  private final Dataset dataset;
  private final int sequenceLength;

  /** The sequences of a dataset whose examples are one token shorter. */
  public SeedSequencesWriter(Dataset dataset) {
    this.dataset = dataset;
    this.sequenceLength = dataset.length() + 1;
  }

  /**
   * Writes one split.
   *
   * @param file such as {@code train.pt}; its metadata goes to {@code train_metadata.json}
   * @param seed that the sequences were made of
   * @throws IOException if a file cannot be written
   */
  public void write(Split split, Path file, long seed) throws IOException {
    long count = dataset.size(split);
    AtomicFile.write(
        file,
        channel -> {
          // Not closed: the channel is not ours. finish() writes what belongs to the archive.
          ZipOutputStream zip = new ZipOutputStream(Channels.newOutputStream(channel));
          zip.setMethod(ZipOutputStream.STORED);
          String root = nameOf(file);
          stored(zip, root + "/data.pkl", pickle(count));
          sequences(zip, root + "/data/0", split, count);
          stored(zip, root + "/version", "3\n".getBytes(StandardCharsets.UTF_8));
          zip.finish();
          zip.flush();
        });
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("vocab_size", dataset.vocabSize());
    metadata.put("seq_length", sequenceLength);
    metadata.put("num_samples", count);
    metadata.put("seed", seed);
    JsonFile.write(file.resolveSibling(nameOf(file) + "_metadata.json"), metadata);
  }

  private static String nameOf(Path file) {
    String name = file.getFileName().toString();
    int dot = name.lastIndexOf('.');
    return dot < 0 ? name : name.substring(0, dot);
  }

  private static void stored(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 sum = new CRC32();
    sum.update(content);
    zip.putNextEntry(entry(name, content.length, sum.getValue()));
    zip.write(content);
    zip.closeEntry();
  }

  private static ZipEntry entry(String name, long size, long checksum) {
    ZipEntry entry = new ZipEntry(name);
    entry.setTime(315_532_800_000L); // 1980: the same data gives the same file.
    entry.setSize(size);
    entry.setCompressedSize(size);
    entry.setCrc(checksum);
    return entry;
  }

  /** A stored entry's checksum stands before it: the sequences are made twice. */
  private void sequences(ZipOutputStream zip, String name, Split split, long count)
      throws IOException {
    CRC32 sum = new CRC32();
    OutputStream summing =
        new OutputStream() {
          @Override
          public void write(int value) {
            sum.update(value);
          }

          @Override
          public void write(byte[] bytes, int offset, int length) {
            sum.update(bytes, offset, length);
          }
        };
    write(summing, split, count);
    zip.putNextEntry(entry(name, count * sequenceLength * TOKEN_BYTES, sum.getValue()));
    write(zip, split, count);
    zip.closeEntry();
  }

  private void write(OutputStream out, Split split, long count) throws IOException {
    int[] tokens = new int[sequenceLength - 1];
    int[] targets = new int[sequenceLength - 1];
    ByteBuffer sequence =
        ByteBuffer.allocate(sequenceLength * TOKEN_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (long i = 0; i < count; i++) {
      dataset.read(split, i, tokens, targets, 0);
      sequence.clear();
      for (int token : tokens) {
        sequence.putLong(token);
      }
      sequence.putLong(targets[targets.length - 1]);
      out.write(sequence.array());
    }
  }

  /** The pickle of {@code torch._utils._rebuild_tensor_v2(storage 0, 0, [N,S], [S,1])}. */
  private byte[] pickle(long count) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x80, 2});
    global(out, "torch._utils", "_rebuild_tensor_v2");
    out.write('('); // The arguments, and first of them the storage, itself a tuple.
    out.write('(');
    text(out, "storage");
    global(out, "torch", "LongStorage");
    text(out, "0");
    text(out, "cpu");
    number(out, count * sequenceLength);
    out.writeBytes(new byte[] {'t', 'Q'}); // A tuple, and what it refers to.
    number(out, 0);
    number(out, count);
    number(out, sequenceLength);
    out.write(0x86); // A tuple of the last two.
    number(out, sequenceLength);
    number(out, 1);
    out.write(0x86);
    out.write(0x89); // False: no gradient is needed.
    global(out, "collections", "OrderedDict");
    out.writeBytes(new byte[] {')', 'R'}); // Called without arguments: no hooks.
    out.writeBytes(new byte[] {'t', 'R', '.'}); // The tuple of arguments, the call, the end.
    return out.toByteArray();
  }

  private static void global(ByteArrayOutputStream out, String module, String name) {
    out.writeBytes(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private static void text(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.write('X');
    out.writeBytes(littleEndian(Integer.BYTES).putInt(bytes.length).array());
    out.writeBytes(bytes);
  }

  /** A whole number of any size up to 64 bits. */
  private static void number(ByteArrayOutputStream out, long number) {
    out.write(0x8A);
    out.write(Long.BYTES);
    out.writeBytes(littleEndian(Long.BYTES).putLong(number).array());
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
