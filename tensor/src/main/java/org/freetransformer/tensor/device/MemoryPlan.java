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

  /** Storages that share one place, and when it is in use. */
  private static final class Place {
    final List<Storage> tenants = new ArrayList<>();
    final long bytes;
    final int first;
    int last;
    long offset;

    Place(Storage storage, int at) {
      tenants.add(storage);
      bytes = (storage.bytes() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
      first = at;
      last = at;
    }

    boolean livesWith(Place other) {
      return first <= other.last && other.first <= last;
    }
  }

  /**
   * Plans the memory of a program.
   *
   * @param instructions what runs, in order
   * @param intermediates the storages to place
   * @param kept those of them whose content must last until the end
   * @throws IllegalStateException if an instruction reads an intermediate that none wrote before,
   *     or nothing writes one that is kept
   */
  public static MemoryPlan of(
      List<Instruction> instructions, List<Storage> intermediates, List<Storage> kept) {
    IdentityHashMap<Storage, Integer> lastUses = lastUses(instructions, intermediates);
    for (Storage storage : kept) {
      lastUses.computeIfPresent(storage, (_, _) -> instructions.size());
    }
    IdentityHashMap<Storage, Place> placeOf = new IdentityHashMap<>();
    List<Place> places = new ArrayList<>();
    for (int i = 0; i < instructions.size(); i++) {
      Instruction instruction = instructions.get(i);
      requireWritten(instruction, i, lastUses, placeOf);
      for (Buffer written : instruction.writes()) {
        Storage storage = written.storage();
        if (lastUses.containsKey(storage) && !placeOf.containsKey(storage)) {
          Place place = dyingOperand(instruction, written, i, lastUses, placeOf);
          if (place == null) {
            place = new Place(storage, i);
            places.add(place);
          } else {
            place.tenants.add(storage);
          }
          place.last = Math.max(place.last, lastUses.getOrDefault(storage, i));
          placeOf.put(storage, place);
        }
      }
    }
    for (Storage storage : kept) {
      if (lastUses.containsKey(storage) && !placeOf.containsKey(storage)) {
        throw new IllegalStateException(
            "a result of %d bytes is to be kept that no instruction writes"
                .formatted(storage.bytes()));
      }
    }
    return assign(places);
  }

  private static IdentityHashMap<Storage, Integer> lastUses(
      List<Instruction> instructions, List<Storage> intermediates) {
    IdentityHashMap<Storage, Integer> lastUses = new IdentityHashMap<>();
    intermediates.forEach(storage -> lastUses.put(storage, -1));
    for (int i = 0; i < instructions.size(); i++) {
      int now = i;
      instructions
          .get(i)
          .reads()
          .forEach(buffer -> lastUses.computeIfPresent(buffer.storage(), (_, _) -> now));
      instructions
          .get(i)
          .writes()
          .forEach(buffer -> lastUses.computeIfPresent(buffer.storage(), (_, _) -> now));
    }
    return lastUses;
  }

  private static void requireWritten(
      Instruction instruction,
      int at,
      IdentityHashMap<Storage, Integer> lastUses,
      IdentityHashMap<Storage, Place> placeOf) {
    for (Buffer read : instruction.reads()) {
      if (lastUses.containsKey(read.storage()) && !placeOf.containsKey(read.storage())) {
        throw new IllegalStateException(
            "instruction %d reads memory that nothing wrote before: %s".formatted(at, instruction));
      }
    }
  }

  private static @Nullable Place dyingOperand(
      Instruction instruction,
      Buffer written,
      int at,
      IdentityHashMap<Storage, Integer> lastUses,
      IdentityHashMap<Storage, Place> placeOf) {
    for (Buffer operand : instruction.replaceable()) {
      Place place = placeOf.get(operand.storage());
      boolean dies = lastUses.getOrDefault(operand.storage(), Integer.MAX_VALUE) == at;
      boolean sameShape =
          operand.layout().equals(written.layout())
              && operand.dtype() == written.dtype()
              && operand.storage().bytes() == written.storage().bytes()
              && operand.isContiguous();
      boolean seenOtherwise =
          instruction.reads().stream()
              .anyMatch(read ->
                  read.storage().equals(operand.storage())
                      && !read.layout().equals(operand.layout()));
      if (place != null && dies && sameShape && !seenOtherwise) {
        return place;
      }
    }
    return null;
  }

  private static MemoryPlan assign(List<Place> places) {
    List<Place> bySize = new ArrayList<>(places);
    bySize.sort(Comparator.comparingLong((Place place) -> place.bytes).reversed());
    List<Place> assigned = new ArrayList<>();
    long end = 0;
    for (Place place : bySize) {
      long offset = 0;
      for (Place other : assigned) {
        if (other.livesWith(place)) {
          if (other.offset - offset >= place.bytes) {
            break;
          }
          offset = Math.max(offset, other.offset + other.bytes);
        }
      }
      place.offset = offset;
      end = Math.max(end, offset + place.bytes);
      int index = 0;
      while (index < assigned.size() && assigned.get(index).offset <= offset) {
        index++;
      }
      assigned.add(index, place);
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
}
