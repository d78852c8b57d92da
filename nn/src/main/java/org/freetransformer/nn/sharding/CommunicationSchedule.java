package org.freetransformer.nn.sharding;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Storage;
import org.jspecify.annotations.Nullable;

/**
 * Where in a program units are gathered and their gradients reduced.
 *
 * <p>A unit is gathered anew for every stay: a run of instructions between which no other unit is
 * used. The next unit's gathering starts when half of a stay is over, and ends before the next stay
 * begins; so at most two units are whole at a time. A gradient's reduction starts when it is
 * complete, and ends when the next gathering or reduction starts.
 */
final class CommunicationSchedule {
  /** What the schedule puts between the instructions, for a unit. */
  interface Calls {
    Communication gather(ShardedUnit unit);

    /** Before the first instruction that adds to a unit's gradient. */
    List<Instruction> beforeGradient(ShardedUnit unit);

    Communication reduce(ShardedUnit unit);

    /** What follows a reduction, and may last until the program ends: nothing, or one more. */
    @Nullable Communication afterReduction(ShardedUnit unit);
  }

  /** A time during which a unit is whole. */
  private static final class Stay {
    final ShardedUnit unit;
    final int first;
    int last;

    Stay(ShardedUnit unit, int first) {
      this.unit = unit;
      this.first = first;
      this.last = first;
    }

    int middle() {
      return first + (last - first + 1) / 2;
    }
  }

  private record Event(int at, int order, Runnable emission) {}

  private final List<Instruction> recorded;
  private final Calls calls;
  private final List<Instruction> result = new ArrayList<>();
  private final List<Event> events = new ArrayList<>();
  private final List<Instruction> atTheEnd = new ArrayList<>();
  private @Nullable ShardedUnit reducing;
  private @Nullable Instruction reductionEnd;

  private CommunicationSchedule(List<Instruction> recorded, Calls calls) {
    this.recorded = recorded;
    this.calls = calls;
  }

  /**
   * The recorded instructions with communication in between.
   *
   * @param oneStay whether a unit stays whole from its first use to its last
   */
  static List<Instruction> of(
      List<Instruction> recorded, List<ShardedUnit> units, boolean oneStay, Calls calls) {
    CommunicationSchedule schedule = new CommunicationSchedule(recorded, calls);
    List<ShardedUnit> gathered = units.stream().filter(unit -> !unit.keepsValues()).toList();
    schedule.addStays(schedule.stays(gathered, oneStay));
    units.stream().filter(ShardedUnit::isTrained).forEach(schedule::addGradient);
    return schedule.merged();
  }

  private List<Stay> stays(List<ShardedUnit> units, boolean oneStay) {
    IdentityHashMap<Storage, ShardedUnit> byStorage = new IdentityHashMap<>();
    units.forEach(unit -> byStorage.put(unit.values().buffer().storage(), unit));
    Map<ShardedUnit, Stay> latest = new HashMap<>();
    List<Stay> stays = new ArrayList<>();
    ShardedUnit before = null;
    for (int i = 0; i < recorded.size(); i++) {
      for (Buffer read : recorded.get(i).reads()) {
        ShardedUnit unit = byStorage.get(read.storage());
        if (unit == null) {
          continue;
        }
        Stay stay = latest.get(unit);
        if (stay == null || !(oneStay || unit.equals(before))) {
          stay = new Stay(unit, i);
          stays.add(stay);
          latest.put(unit, stay);
        }
        stay.last = i;
        before = unit;
      }
    }
    return stays;
  }

  private void addStays(List<Stay> stays) {
    Map<ShardedUnit, Stay> earlier = new HashMap<>();
    Stay previous = null;
    for (Stay stay : stays) {
      int start = previous == null ? 0 : Math.min(previous.middle(), stay.first);
      Stay same = earlier.put(stay.unit, stay);
      if (same != null) {
        start = Math.max(start, same.last + 1); // Its memory is still in use until then.
      }
      Communication gather = calls.gather(stay.unit);
      at(start, () -> startGathering(gather));
      at(stay.first, () -> result.add(gather.end()));
      previous = stay;
    }
  }

  private void startGathering(Communication gather) {
    endReduction();
    result.add(gather.start());
  }

  private void addGradient(ShardedUnit unit) {
    Storage storage = unit.gradients().buffer().storage();
    int first = -1;
    int last = -1;
    for (int i = 0; i < recorded.size(); i++) {
      if (recorded.get(i).writes().stream().anyMatch(b -> b.storage().equals(storage))) {
        first = first < 0 ? i : first;
        last = i;
      }
    }
    if (first >= 0) {
      at(first, () -> result.addAll(calls.beforeGradient(unit)));
      Communication reduce = calls.reduce(unit);
      at(last + 1, () -> startReduction(unit, reduce));
    }
  }

  private void startReduction(ShardedUnit unit, Communication reduce) {
    endReduction();
    result.add(reduce.start());
    reducing = unit;
    reductionEnd = reduce.end();
  }

  private void endReduction() {
    ShardedUnit unit = reducing;
    Instruction end = reductionEnd;
    if (unit == null || end == null) {
      return;
    }
    result.add(end);
    reducing = null;
    reductionEnd = null;
    Communication next = calls.afterReduction(unit);
    if (next != null) {
      result.add(next.start());
      atTheEnd.add(next.end());
    }
  }

  private void at(int position, Runnable emission) {
    events.add(new Event(position, events.size(), emission));
  }

  private List<Instruction> merged() {
    events.sort(Comparator.comparingInt(Event::at).thenComparingInt(Event::order));
    int next = 0;
    for (int i = 0; i <= recorded.size(); i++) {
      while (next < events.size() && events.get(next).at() == i) {
        events.get(next++).emission().run();
      }
      if (i < recorded.size()) {
        result.add(recorded.get(i));
      }
    }
    endReduction();
    result.addAll(atTheEnd);
    return result;
  }
}
