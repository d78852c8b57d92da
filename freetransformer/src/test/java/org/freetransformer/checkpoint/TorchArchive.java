package org.freetransformer.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Archives as torch.save writes them, of pickles that no torch would write. */
final class TorchArchive {
  private final Map<String, byte[]> records = new LinkedHashMap<>();

  /** With a pickle given byte by byte: each char of the text is one. */
  static TorchArchive of(String pickle) {
    return new TorchArchive()
        .with("archive/data.pkl", pickle.getBytes(StandardCharsets.ISO_8859_1));
  }

  TorchArchive with(String name, byte... content) {
    records.put(name, content);
    return this;
  }

  byte[] bytes(int method) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> record : records.entrySet()) {
        CRC32 crc = new CRC32();
        crc.update(record.getValue());
        ZipEntry entry = new ZipEntry(record.getKey());
        entry.setMethod(method);
        entry.setSize(record.getValue().length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(record.getValue());
        zip.closeEntry();
      }
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return bytes.toByteArray();
  }

  TorchFile read() {
    return TorchFile.of(MemorySegment.ofArray(bytes(ZipEntry.STORED)), "file");
  }
}
