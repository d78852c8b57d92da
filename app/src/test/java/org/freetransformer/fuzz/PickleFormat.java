package org.freetransformer.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.freetransformer.checkpoint.CheckpointException;

/** The pickle inside an archive of {@code torch.save} that is whole otherwise. */
final class PickleFormat implements Format {
  private final Path file;
  private final String pickleName;
  private final boolean model;
  private final Map<String, byte[]> records;

  /**
   * A format whose pickles refer to the storages of an archive.
   *
   * @param archive its path among the models of the checkpoint tests, without the ending
   * @param model whether it is to hold a model, or can be anything
   */
  PickleFormat(Path folder, String archive, boolean model) throws IOException {
    file = folder.resolve("model.pt");
    pickleName = archive.substring(archive.lastIndexOf('/') + 1) + "/data.pkl";
    this.model = model;
    records = records(Resources.model(archive + ".pt"));
  }

  private Map<String, byte[]> records(byte[] archive) throws IOException {
    Files.write(file, archive);
    Map<String, byte[]> records = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (ZipEntry entry : Collections.list(zip.entries())) {
        try (InputStream stream = zip.getInputStream(entry)) {
          records.put(entry.getName(), stream.readAllBytes());
        }
      }
    }
    return records;
  }

  @Override
  public List<byte[]> seeds() throws IOException {
    byte[] hostile = records(Resources.model("hostile.pt")).get("hostile/data.pkl");
    return List.of(
        Objects.requireNonNull(records.get(pickleName)), Objects.requireNonNull(hostile));
  }

  @Override
  public List<String> words() {
    return Words.PICKLE;
  }

  @Override
  public void read(byte[] pickle) throws IOException {
    Files.write(file, archive(pickle));
    if (model) {
      ModelReader.readModel(file);
    } else {
      ModelReader.readTorch(file);
    }
  }

  private byte[] archive(byte[] pickle) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.setMethod(ZipOutputStream.STORED);
      for (Map.Entry<String, byte[]> record : records.entrySet()) {
        store(
            zip, record.getKey(), record.getKey().equals(pickleName) ? pickle : record.getValue());
      }
    }
    return bytes.toByteArray();
  }

  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 sum = new CRC32();
    sum.update(content);
    ZipEntry entry = new ZipEntry(name);
    entry.setSize(content.length);
    entry.setCrc(sum.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }

  @Override
  public boolean isRefusal(Throwable problem) {
    return problem instanceof CheckpointException;
  }
}
