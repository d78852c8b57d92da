package org.freetransformer.tensor.device;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Places for a program's intermediate storages in one block, by lifetime: from the instruction that
 * first writes a storage to the last one that uses it. Large ones are placed first, each at the
 * lowest offset that is free during its whole life (greedy by size: Pisarchyk and Lee, 2020). An
 * elementwise result takes over the place of an operand that dies in the same instruction.
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

  /** Storages that share one place one after the other, and when it is in use. */
  private static final class Place {
    final List<Storage> tenants = new ArrayList<>();
    final long bytes;
    final int first;
    int last;
    long offset;

    Place(long size, int at) {
      bytes = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
      first = at;
      last = at;
    }

    boolean livesWith(Place other) {
      return first <= other.last && other.first <= last;
    }
  }

  /** Finds out when each storage lives, and which ones can share a place. */
  private static final class Lifetimes {
    final List<Place> places = new ArrayList<>();
    private final IdentityHashMap<Storage, Integer> lastUses = new IdentityHashMap<>();
    private final IdentityHashMap<Storage, Place> placeOf = new IdentityHashMap<>();

    Lifetimes(List<Instruction> instructions, List<Storage> intermediates, List<Storage> kept) {
      intermediates.forEach(storage -> lastUses.put(storage, -1));
      for (int i = 0; i < instructions.size(); i++) {
        for (Buffer read : instructions.get(i).reads()) {
          lastUses.replace(read.storage(), i);
        }
        for (Buffer written : instructions.get(i).writes()) {
          lastUses.replace(written.storage(), i);
        }
      }
      kept.forEach(storage -> lastUses.replace(storage, instructions.size()));
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
      return lastUses.containsKey(storage) && !placeOf.containsKey(storage);
    }

    private void place(Instruction instruction, Buffer written, int at) {
      Storage storage = written.storage();
      Place place = dyingOperand(instruction, written, at);
      if (place == null) {
        place = new Place(storage.bytes(), at);
        places.add(place);
      }
      place.tenants.add(storage);
      place.last = lastUses.getOrDefault(storage, at);
      placeOf.put(storage, place);
    }

    private @Nullable Place dyingOperand(Instruction instruction, Buffer written, int at) {
      for (Buffer operand : instruction.replaceable()) {
        Storage storage = operand.storage();
        boolean dies = placeOf.containsKey(storage) && lastUses.getOrDefault(storage, -1) == at;
        if (dies && isAlike(operand, written) && isSeenOneWay(operand, instruction)) {
          return placeOf.get(storage);
        }
      }
      return null;
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

  private static MemoryPlan assign(List<Place> places) {
    List<Place> bySize = new ArrayList<>(places);
    bySize.sort(Comparator.comparingLong((Place place) -> place.bytes).reversed());
    List<Place> byOffset = new ArrayList<>();
    long end = 0;
    for (Place place : bySize) {
      place.offset = lowestFree(place, byOffset);
      end = Math.max(end, place.offset + place.bytes);
      int index = 0;
      while (index < byOffset.size() && byOffset.get(index).offset <= place.offset) {
        index++;
      }
      byOffset.add(index, place);
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

  private static long lowestFree(Place place, List<Place> byOffset) {
    long offset = 0;
    for (Place other : byOffset) {
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
