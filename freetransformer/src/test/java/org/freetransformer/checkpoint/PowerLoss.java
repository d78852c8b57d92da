package org.freetransformer.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.freetransformer.checkpoint.RecordingFileSystem.Change;

/**
 * A disk that keeps what was flushed, and of the rest what chance wills: of a file any part, of a
 * folder's names those up to some change. That is what a machine may find after a power failure.
 */
final class PowerLoss {
  private final Path root;
  private final Folder top = new Folder();

  /** A thing with a name, or that once had one. */
  private sealed interface Item {}

  private static final class Content implements Item {
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private int flushed;
  }

  private record Pointer(Path target) implements Item {}

  private static final class Folder implements Item {
    private final Map<String, Item> names = new LinkedHashMap<>();
    private final Map<String, Item> flushedNames = new HashMap<>();
    private final List<Consumer<Map<String, Item>>> unflushed = new ArrayList<>();

    void change(Consumer<Map<String, Item>> change) {
      change.accept(names);
      unflushed.add(change);
    }

    void flush() {
      unflushed.forEach(change -> change.accept(flushedNames));
      unflushed.clear();
    }
  }

  /** An empty folder at {@code root}, which is on the disk. */
  PowerLoss(Path root) {
    this.root = root;
  }

  /** Does what was done. */
  void apply(Change change) {
    switch (change) {
      case Change.MakeFolder(Path folder) -> put(folder, new Folder());
      case Change.MakeFile(Path file) -> put(file, new Content());
      case Change.Link(Path link, Path target) -> put(link, new Pointer(target));
      case Change.Write(Path file, byte[] bytes) ->
          ((Content) find(file)).written.writeBytes(bytes);
      case Change.Remove(Path path) -> {
        String name = path.getFileName().toString();
        folderOf(path).change(names -> names.remove(name));
      }
      case Change.Rename(Path from, Path to) -> {
        Item item = find(from);
        String old = from.getFileName().toString();
        String now = to.getFileName().toString();
        folderOf(from)
            .change(names -> {
              names.remove(old);
              names.put(now, item);
            });
      }
      case Change.Flush(Path path) -> {
        switch (find(path)) {
          case Content content -> content.flushed = content.written.size();
          case Folder folder -> folder.flush();
          case Pointer _ -> throw new IllegalStateException("links are not flushed");
        }
      }
    }
  }

  private void put(Path path, Item item) {
    String name = path.getFileName().toString();
    folderOf(path).change(names -> names.put(name, item));
  }

  private Folder folderOf(Path path) {
    return (Folder) find(Objects.requireNonNull(path.getParent()));
  }

  private Item find(Path path) {
    Item found = top;
    for (Path name : root.relativize(path)) {
      if (!name.toString().isEmpty()) {
        found = Objects.requireNonNull(((Folder) found).names.get(name.toString()));
      }
    }
    return found;
  }

  /** Makes a real folder as the disk could be found now. */
  void materialize(Path target, SplittableRandom chance) throws IOException {
    materialize(top, target, chance);
  }

  private static void materialize(Item item, Path target, SplittableRandom chance)
      throws IOException {
    switch (item) {
      case Content content -> {
        int kept = chance.nextInt(content.flushed, content.written.size() + 1);
        Files.write(target, Arrays.copyOf(content.written.toByteArray(), kept));
      }
      case Pointer(Path link) -> Files.createSymbolicLink(target, link);
      case Folder folder -> {
        Files.createDirectories(target);
        Map<String, Item> names = new HashMap<>(folder.flushedNames);
        int kept = chance.nextInt(folder.unflushed.size() + 1);
        folder.unflushed.subList(0, kept).forEach(change -> change.accept(names));
        for (Map.Entry<String, Item> entry : names.entrySet()) {
          materialize(entry.getValue(), target.resolve(entry.getKey()), chance);
        }
      }
    }
  }
}
