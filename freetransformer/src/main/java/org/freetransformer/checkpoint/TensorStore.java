package org.freetransformer.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Named tensors on the disk, whatever the format: mapped into memory, and read when asked for. */
public interface TensorStore extends AutoCloseable {

  /**
   * Opens a safetensors file, a checkpoint of the original repository that PyTorch saved, or a
   * folder of a Llama model from Hugging Face: which of them is told by the content.
   *
   * @throws CheckpointException if it is none of them or is damaged, naming what was looked for
   */
  static TensorStore open(Path path) {
    if (Files.isDirectory(path)) {
      return HuggingFaceFolder.open(path);
    }
    return TorchFile.isOne(path) ? SeedCheckpoint.open(path) : SafeTensors.open(path);
  }

  /** The format's name. */
  String format();

  /** Where it came from, for messages: the path of a file or folder. */
  String source();

  /** Texts that go with the tensors, by key. */
  Map<String, String> metadata();

  /** All tensors, each name once. */
  List<TensorEntry> tensors();

  /** Whether there is a tensor of this name. */
  boolean has(String name);

  /**
   * The tensor of a name.
   *
   * @throws CheckpointException naming the nearest one if there is none
   */
  TensorEntry tensor(String name);

  /**
   * The elements of a tensor, row by row, read-only and valid until {@link #close}; little-endian,
   * and aligned to nothing: read them with unaligned layouts.
   *
   * @param memory where they are put in order if they do not stand so on the disk
   * @throws CheckpointException if there is none of this name
   */
  MemorySegment rows(String name, SegmentAllocator memory);

  /** Unmaps the files; their data may not be used any more. */
  @Override
  void close();
}
