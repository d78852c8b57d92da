package org.freetransformer.tensor.device;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Places for a program's intermediate storages in one block, by lifetime: from the instruction that
 * first writes a storage to the last one that uses it; one that is written anew as a whole is dead
 * in between. Large ones are placed first, each at the lowest offset that is free during its whole
 * life (greedy by size: Pisarchyk and Lee, 2020). An elementwise result takes over the place of an
 * operand that dies in the same instruction.
 */
public final class MemoryPlan {
  private static final int ALIGNMENT = 64;

  private final List<Storage> storages;
  private final long[] offsets;
  private final long bytes;

  private MemoryPlan(List<Storage> storages, long[] offsets, long bytes) {
    this.storages = storages;
    this.offsets = offsets;
    this.bytes = bytes;
  }

  /**
   * Plans the memory of a program.
   *
   * @param instructions what runs, in order
   * @param intermediates the storages to place
   * @param kept those whose content must last until the end; others among them are passed over
   * @throws IllegalStateException if an instruction reads an intermediate that none wrote before,
   *     or nothing writes one that is kept
   */
  public static MemoryPlan of(
      List<Instruction> instructions, List<Storage> intermediates, List<Storage> kept) {
    Lifetimes lifetimes = new Lifetimes(instructions, intermediates, kept);
    for (int i = 0; i < instructions.size(); i++) {
      lifetimes.visit(instructions.get(i), i);
    }
    kept.forEach(lifetimes::requirePlaced);
    return assign(lifetimes.places);
  }

  /** The storages that are used at all. */
  public List<Storage> storages() {
    return storages;
  }

  /** Byte offset of each storage in the block. */
  public long[] offsets() {
    return offsets.clone();
  }

  /** Size of the block in bytes. */
  public long bytes() {
    return bytes;
  }

  /** From the instruction that writes a storage to the last one that uses what was written. */
  private static final class Life {
    final int first;
    int last;

    Life(int at) {
      first = at;
      last = at;
    }
  }

  /** Storages that share one place one after the other, and when it is in use. */
  private static final class Place {
    final List<Storage> tenants = new ArrayList<>();
    final List<Life> lives = new ArrayList<>();
    final long bytes;
    long offset;

    Place(long size) {
      bytes = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    void take(Storage tenant, List<Life> itsLives) {
      tenants.add(tenant);
      lives.addAll(itsLives);
    }

    int first() {
      int first = Integer.MAX_VALUE;
      for (Life life : lives) {
        first = Math.min(first, life.first);
      }
      return first;
    }

    int last() {
      int last = -1;
      for (Life life : lives) {
        last = Math.max(last, life.last);
      }
      return last;
    }

    boolean isShortLived() {
      return last() - first() < Neighbours.SPAN;
    }

    boolean livesWith(Place other) {
      for (Life mine : lives) {
        for (Life theirs : other.lives) {
          if (mine.first <= theirs.last && theirs.first <= mine.last) {
            return true;
          }
        }
      }
      return false;
    }
  }

  /** Finds out when each storage lives, and which ones can share a place. */
  private static final class Lifetimes {
    final List<Place> places = new ArrayList<>();
    private final IdentityHashMap<Storage, List<Life>> livesOf = new IdentityHashMap<>();
    private final IdentityHashMap<Storage, Place> placeOf = new IdentityHashMap<>();

    Lifetimes(List<Instruction> instructions, List<Storage> intermediates, List<Storage> kept) {
      intermediates.forEach(storage -> livesOf.put(storage, new ArrayList<>()));
      for (int i = 0; i < instructions.size(); i++) {
        trace(instructions.get(i), i);
      }
      for (Storage storage : kept) {
        List<Life> lives = livesOf.get(storage);
        if (lives != null && !lives.isEmpty()) {
          lives.getLast().last = instructions.size();
        }
      }
    }

    private void trace(Instruction instruction, int at) {
      for (Buffer read : instruction.reads()) {
        use(read.storage(), at, false);
      }
      for (Buffer written : instruction.writes()) {
        use(written.storage(), at, isReplaced(written, instruction));
      }
    }

    private void use(Storage storage, int at, boolean replaced) {
      List<Life> lives = livesOf.get(storage);
      if (lives != null) {
        if (lives.isEmpty() || replaced) {
          lives.add(new Life(at));
        }
        lives.getLast().last = at;
      }
    }

    /** Whether nothing of what was in the storage can be seen after an instruction. */
    private static boolean isReplaced(Buffer written, Instruction instruction) {
      Storage storage = written.storage();
      return written.isContiguous()
          && written.bytes() == storage.bytes()
          && instruction.reads().stream().noneMatch(read -> read.storage().equals(storage));
    }

    /** Gives the storages that an instruction is the first to write their places. */
    void visit(Instruction instruction, int at) {
      for (Buffer read : instruction.reads()) {
        if (isUnplaced(read.storage())) {
          throw new IllegalStateException(
              "instruction %d reads memory that nothing wrote before: %s"
                  .formatted(at, instruction));
        }
      }
      for (Buffer written : instruction.writes()) {
        if (isUnplaced(written.storage())) {
          place(instruction, written, at);
        }
      }
    }

    void requirePlaced(Storage kept) {
      if (isUnplaced(kept)) {
        throw new IllegalStateException(
            "a result of %d bytes is to be kept that no instruction writes"
                .formatted(kept.bytes()));
      }
    }

    private boolean isUnplaced(Storage storage) {
      return livesOf.containsKey(storage) && !placeOf.containsKey(storage);
    }

    private void place(Instruction instruction, Buffer written, int at) {
      Storage storage = written.storage();
      Place place = dyingOperand(instruction, written, at);
      if (place == null) {
        place = new Place(storage.bytes());
        places.add(place);
      }
      place.take(storage, livesOf.getOrDefault(storage, List.of()));
      placeOf.put(storage, place);
    }

    private @Nullable Place dyingOperand(Instruction instruction, Buffer written, int at) {
      for (Buffer operand : instruction.replaceable()) {
        Storage storage = operand.storage();
        boolean dies = placeOf.containsKey(storage) && lastUse(storage) == at;
        if (dies
            && isAlike(operand, written)
            && isSeenOneWay(operand, instruction)
            && !isTaken(storage, instruction)) {
          return placeOf.get(storage);
        }
      }
      return null;
    }

    /** Whether an output of the instruction has taken the place already. */
    private boolean isTaken(Storage operand, Instruction instruction) {
      Place place = placeOf.get(operand);
      return instruction.writes().stream()
          .map(Buffer::storage)
          .anyMatch(written -> !written.equals(operand) && place == placeOf.get(written));
    }

    private int lastUse(Storage storage) {
      List<Life> lives = livesOf.getOrDefault(storage, List.of());
      return lives.isEmpty() ? -1 : lives.getLast().last;
    }

    private static boolean isAlike(Buffer operand, Buffer written) {
      return operand.layout().equals(written.layout())
          && operand.dtype() == written.dtype()
          && operand.storage().bytes() == written.storage().bytes();
    }

    /** Whether no element of an operand is read again after the one in its place was written. */
    private static boolean isSeenOneWay(Buffer operand, Instruction instruction) {
      return instruction.reads().stream()
          .filter(read -> read.storage().equals(operand.storage()))
          .allMatch(read -> read.layout().equals(operand.layout()));
    }
  }

  /**
   * Finds places that may live with another. Of tens of thousands, as the pieces of a large model's
   * optimizer make, nearly all live for a few instructions, each in a time of its own.
   */
  private static final class Neighbours {
    private static final int SPAN = 16;
    private static final Comparator<Place> BY_OFFSET =
        Comparator.comparingLong(place -> place.offset);

    private final List<Place> all = new ArrayList<>();
    private final List<Place> longLived = new ArrayList<>();
    private final Map<Integer, List<Place>> shortLived = new HashMap<>();

    void add(Place place) {
      all.add(place);
      if (place.isShortLived()) {
        shortLived.computeIfAbsent(place.first() / SPAN, _ -> new ArrayList<>()).add(place);
      } else {
        longLived.add(place);
      }
    }

    /** By offset. The lists stay nearly sorted, which makes sorting them cheap. */
    List<Place> of(Place place) {
      if (!place.isShortLived()) {
        all.sort(BY_OFFSET);
        return all;
      }
      longLived.sort(BY_OFFSET);
      List<Place> near = new ArrayList<>(longLived);
      for (int span = place.first() / SPAN - 1; span <= place.last() / SPAN; span++) {
        near.addAll(shortLived.getOrDefault(span, List.of()));
      }
      near.sort(BY_OFFSET);
      return near;
    }
  }

  private static MemoryPlan assign(List<Place> places) {
    List<Place> bySize = new ArrayList<>(places);
    bySize.sort(Comparator.comparingLong((Place place) -> place.bytes).reversed());
    Neighbours neighbours = new Neighbours();
    long end = 0;
    for (Place place : bySize) {
      place.offset = lowestFree(place, neighbours.of(place));
      end = Math.max(end, place.offset + place.bytes);
      neighbours.add(place);
    }
    List<Storage> storages = new ArrayList<>();
    List<Long> offsets = new ArrayList<>();
    for (Place place : places) {
      for (Storage tenant : place.tenants) {
        storages.add(tenant);
        offsets.add(place.offset);
      }
    }
    return new MemoryPlan(
        List.copyOf(storages), offsets.stream().mapToLong(Long::longValue).toArray(), end);
  }

  private static long lowestFree(Place place, List<Place> neighbours) {
    long offset = 0;
    for (Place other : neighbours) {
      if (other.livesWith(place)) {
        if (other.offset - offset >= place.bytes) {
          return offset;
        }
        offset = Math.max(offset, other.offset + other.bytes);
      }
    }
    return offset;
  }
}
