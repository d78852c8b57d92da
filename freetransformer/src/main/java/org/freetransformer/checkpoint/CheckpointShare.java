package org.freetransformer.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.freetransformer.nn.optim.AdamW;
import org.freetransformer.nn.sharding.FullyShardedModel;
import org.freetransformer.tensor.Tensor;

/**
 * One rank's share of a checkpoint: its pieces of parameters and moments, which it writes into the
 * files that all ranks have in common, or reads from them. As the files are those of an unsharded
 * checkpoint, any number of ranks reads what any other has written.
 */
public final class CheckpointShare {
  private final FullyShardedModel shards;
  private final boolean first;
  private final boolean writes;
  private final Runnable meeting;
  private final List<ShardedTensor> weights = new ArrayList<>();
  private final List<ShardedTensor> moments = new ArrayList<>();

  /** What parts of the run have of every parameter, and how the names of these tensors begin. */
  private final List<ShardedTensor> more = new ArrayList<>();

  private final List<String> spread = new ArrayList<>();

  /**
   * A rank's share.
   *
   * @param first whether the rank is the one that makes the folder
   * @param meeting waits for all ranks
   */
  public CheckpointShare(
      FullyShardedModel shards, AdamW optimizer, boolean first, Runnable meeting) {
    this.shards = shards;
    this.first = first;
    this.writes = shards.isFirstCopy();
    this.meeting = meeting;
    for (FullyShardedModel.Piece piece : shards.pieces()) {
      String name = piece.name();
      weights.add(tensor(name, piece, piece.part().value()));
      if (piece.part().isTrained()) {
        AdamW.Moments both = optimizer.moments(name);
        moments.add(tensor(name + ModelFile.FIRST_MOMENT, piece, both.first()));
        moments.add(tensor(name + ModelFile.SECOND_MOMENT, piece, both.second()));
      }
    }
  }

  /**
   * Adds what a part of the run has of every trained parameter.
   *
   * @param part its name in a checkpoint
   * @param elements by the parameter's name, those that this rank has
   */
  public void add(String part, Function<String, Tensor> elements) {
    spread.add(PartsFile.tensorName(part, ""));
    for (FullyShardedModel.Piece piece : shards.pieces()) {
      if (piece.part().isTrained()) {
        String name = PartsFile.tensorName(part, piece.name());
        more.add(tensor(name, piece, elements.apply(piece.name())));
      }
    }
  }

  private static ShardedTensor tensor(String name, FullyShardedModel.Piece piece, Tensor elements) {
    return new ShardedTensor(
        name,
        piece.whole().value().shape(),
        piece.whole().isStoredTransposed(),
        piece.from(),
        elements);
  }

  boolean isFirst() {
    return first;
  }

  void meet() {
    meeting.run();
  }

  /** Writes this rank's share; returns when all ranks have written theirs. */
  void writeInto(Path folder, CheckpointFiles files) throws IOException {
    Path model = folder.resolve(Checkpoint.MODEL);
    Path optimizer = folder.resolve(Checkpoint.OPTIMIZER);
    Path parts = folder.resolve(Checkpoint.PARTS);
    TensorFile states = PartsFile.of(files.parts());
    if (first) {
      prepare(model, files.model());
      prepare(optimizer, files.optimizer());
      prepare(parts, states);
      writeWhole(parts, states);
    }
    meet();
    if (writes) {
      write(model, files.model(), weights);
      write(optimizer, files.optimizer(), moments);
      write(parts, states, more);
    }
    meet();
  }

  /** A file with its header, and as long as it is going to be. */
  private static void prepare(Path file, TensorFile content) throws IOException {
    AtomicFile.create(
        file,
        channel -> {
          ByteBuffer start = content.start();
          while (start.hasRemaining()) {
            channel.write(start);
          }
        });
    long length = content.tensors().stream().mapToLong(TensorSource::bytes).sum();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      if (length > 0) {
        channel.write(ByteBuffer.allocate(1), channel.size() + length - 1);
      }
    }
  }

  /** Writes what is not spread over ranks. */
  private void writeWhole(Path file, TensorFile content) throws IOException {
    Map<String, Long> offsets = content.offsets();
    long start = content.start().remaining();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (TensorSource tensor : content.tensors()) {
        if (spread.stream().noneMatch(tensor.name()::startsWith)) {
          channel.position(start + Objects.requireNonNull(offsets.get(tensor.name())));
          tensor.content().writeTo(AtomicFile.complete(channel));
        }
      }
      channel.force(true);
    } catch (IOException cause) {
      throw AtomicFile.failure(file, cause);
    }
  }

  private static void write(Path file, TensorFile content, List<ShardedTensor> tensors)
      throws IOException {
    Map<String, Long> offsets = content.offsets();
    long start = content.start().remaining();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (ShardedTensor tensor : tensors) {
        Long offset = offsets.get(tensor.name());
        if (offset == null) {
          throw new IllegalStateException(file + " has no place for " + tensor.name());
        }
        tensor.writeTo(channel, start + offset);
      }
      channel.force(true);
    } catch (IOException cause) {
      throw AtomicFile.failure(file, cause);
    }
  }

  /**
   * Reads this rank's pieces of the weights.
   *
   * @param names of all parameters
   * @throws CheckpointException if a tensor is missing, has another shape or type, or is left over
   */
  public void readWeights(TensorStore file, Set<String> names) {
    ModelFile.requireKnown(file, names);
    read(file, weights);
  }

  /**
   * The same with the moments.
   *
   * @param names of all trained parameters
   */
  public void readMoments(TensorStore file, Set<String> names) {
    Set<String> both = new HashSet<>();
    for (String name : names) {
      both.add(name + ModelFile.FIRST_MOMENT);
      both.add(name + ModelFile.SECOND_MOMENT);
    }
    ModelFile.requireKnown(file, both);
    read(file, moments);
  }

  /** The same with what a part of the run has of every parameter, if one has. */
  public void readPart(Checkpoint checkpoint) {
    if (!more.isEmpty()) {
      try (SafeTensors file = checkpoint.openParts()) {
        read(file, more);
      }
    }
  }

  private static void read(TensorStore file, List<ShardedTensor> tensors) {
    for (ShardedTensor tensor : tensors) {
      TensorEntry entry = file.tensor(tensor.name());
      if (!FloatElements.isFloat(entry.type()) || !entry.shape().equals(tensor.storedShape())) {
        throw new CheckpointException(
            file.source(),
            "tensor '%s' is %s %s; its model needs F32 %s"
                .formatted(tensor.name(), entry.type(), entry.shape(), tensor.storedShape()));
      }
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment rows = file.rows(tensor.name(), arena);
        tensor.readFrom(ModelFile.converted(entry, rows, TensorType.F32, arena));
      }
    }
  }
}
