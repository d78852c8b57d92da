package org.freetransformer.nn.sharding;

import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;

/**
 * A unit's parameters one after the other in one flat array, padded so that it can be cut into
 * equal parts. Every parameter and every part begins at a cache line.
 */
final class UnitLayout {
  /** Elements of a cache line. */
  private static final int ALIGNMENT = 16;

  /** A parameter and where it begins, in elements. */
  record Slot(String name, Parameter parameter, long offset) {
    long end() {
      return offset + parameter.size();
    }

    /** Where the parameter's elements are in the flat array. */
    Layout in(Layout flat) {
      Shape shape = parameter.value().shape();
      return flat.narrow(0, (int) offset, Math.toIntExact(parameter.size())).reshape(shape);
    }
  }

  /**
   * What one rank holds of a parameter.
   *
   * @param slot the parameter
   * @param from its first element that the rank holds, counted in the parameter
   * @param length number of elements
   * @param offset where they begin in the rank's part of the unit
   */
  record Piece(Slot slot, long from, int length, int offset) {}

  private final List<Slot> slots = new ArrayList<>();
  private final int parts;
  private final int partSize;

  /**
   * Lays out parameters for a number of ranks.
   *
   * @throws IllegalArgumentException if the unit has more elements than one array can have
   */
  UnitLayout(String unit, SequencedMap<String, Parameter> parameters, int parts) {
    this.parts = parts;
    long end = 0;
    for (var entry : parameters.entrySet()) {
      slots.add(new Slot(entry.getKey(), entry.getValue(), end));
      end = aligned(end + entry.getValue().size());
    }
    long part = aligned(Math.ceilDiv(end, parts));
    if (part * parts > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "unit %s has %d elements, at most %d can be one unit: wrap smaller modules"
              .formatted(unit, end, Integer.MAX_VALUE));
    }
    this.partSize = (int) part;
  }

  private static long aligned(long elements) {
    return Math.ceilDiv(elements, ALIGNMENT) * (long) ALIGNMENT;
  }

  List<Slot> slots() {
    return slots;
  }

  /** Elements of the flat array, padding among them. */
  int size() {
    return partSize * parts;
  }

  /** Elements of one rank's part. */
  int partSize() {
    return partSize;
  }

  /** What a rank holds, in the order of the flat array. */
  List<Piece> pieces(int rank) {
    return pieces((long) rank * partSize, partSize);
  }

  /** What a rank holds that has everything. */
  List<Piece> pieces() {
    return pieces(0, size());
  }

  private List<Piece> pieces(long begin, long length) {
    List<Piece> pieces = new ArrayList<>();
    for (Slot slot : slots) {
      long from = Math.max(begin, slot.offset());
      long to = Math.min(begin + length, slot.end());
      if (from < to) {
        pieces.add(new Piece(slot, from - slot.offset(), (int) (to - from), (int) (from - begin)));
      }
    }
    return pieces;
  }
}
