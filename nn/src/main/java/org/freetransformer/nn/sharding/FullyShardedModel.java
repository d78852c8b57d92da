package org.freetransformer.nn.sharding;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.freetransformer.nn.Module;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.Resources;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.ProgramRewriter;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.jspecify.annotations.Nullable;

/**
 * A model whose parameters are split over ranks. Its modules are unchanged: every program that is
 * recorded on its engine from now on gets the communication put in, that is, each unit is gathered
 * before it is used, its memory is another's after that, and its gradient is reduced as soon as it
 * is complete. Outside of recorded programs the parameters have no values.
 *
 * <p>An optimizer trains {@link #parts}, this rank's pieces of the parameters, as if they were the
 * model.
 *
 * <p>The parts may be kept by another engine than the one that computes with whole units: so a
 * device with little memory trains a model whose parameters, gradients and moments are the host's.
 */
public final class FullyShardedModel implements AutoCloseable {
  /**
   * This rank's piece of a parameter.
   *
   * @param name the parameter
   * @param whole the parameter
   * @param from its first element that this rank holds, in memory order
   * @param part those elements, in one dimension
   */
  public record Piece(String name, Parameter whole, long from, Parameter part) {}

  private final Engine engine;
  private final Engine host;
  private final ShardingPlan plan;
  private final ProcessGroup shards;
  private final @Nullable ProcessGroup replicas;
  private final List<ShardedUnit> units = new ArrayList<>();
  private final SequencedMap<String, Parameter> parts = new LinkedHashMap<>();
  private final Resources resources;
  private boolean reducing = true;

  /**
   * Splits a model; the same call on all ranks. Parameters without memory ({@link
   * Engine#deferParameters}) get their first values piece by piece, so that no rank ever holds more
   * than one whole parameter.
   *
   * @param engine computes with whole units
   * @param host keeps the parts, and their gradients, in off-heap memory, and is for whatever an
   *     optimizer does with them; may be {@code engine}
   * @param group all ranks; stays the caller's
   * @throws IllegalArgumentException if nodes of the plan's size do not make up the group, or if
   *     the engines are two and the plan splits nothing: then everything is whole where it is
   *     computed with
   */
  public FullyShardedModel(
      Engine engine, Engine host, Module model, ShardingPlan plan, ProcessGroup group) {
    this.engine = engine;
    this.host = host;
    this.plan = plan;
    boolean hybrid = plan.strategy() == Strategy.HYBRID_SHARD;
    int node = plan.nodeRanks();
    if (hybrid && group.size() % node != 0) {
      throw new IllegalArgumentException(
          "%d ranks cannot be nodes of %d: allowed are divisors of the number of ranks"
              .formatted(group.size(), node));
    }
    boolean whole = plan.strategy() == Strategy.NO_SHARD;
    if (whole && !host.equals(engine)) {
      throw new IllegalArgumentException(
          "without sharding, parameters are whole on the engine that computes, and no other can"
              + " keep them");
    }
    boolean copies = hybrid && node < group.size(); // A node that is all there is has none.
    try (Resources taken = new Resources()) {
      shards = copies ? taken.add(group.split(group.rank() / node)) : group;
      replicas = copies ? taken.add(group.split(group.rank() % node)) : null;
      ShardedUnit.Share share =
          new ShardedUnit.Share(shards.rank(), shards.size(), whole, !plan.reduceEveryMicroBatch());
      plan.wrapping()
          .unitsOf(model)
          .forEach((name, parameters) -> {
            ShardedUnit unit = new ShardedUnit(engine, host, name, parameters, share);
            units.add(taken.add(unit));
            if (unit.isTrained()) {
              unit.pieces().forEach((piece, part) -> parts.put(piece.slot().name(), part));
            }
          });
      resources = taken.keep();
    }
    engine.rewritePrograms(new Rewriter());
  }

  /** The engine that keeps {@link #parts}: what is done with them is done there. */
  public Engine host() {
    return host;
  }

  /** This rank's pieces of the trained parameters, by the parameters' names. */
  public SequencedMap<String, Parameter> parts() {
    return parts;
  }

  /** All this rank holds, frozen parameters among them, with its places: for checkpoints. */
  public List<Piece> pieces() {
    List<Piece> pieces = new ArrayList<>();
    for (ShardedUnit unit : units) {
      unit.pieces()
          .forEach((piece, part) ->
              pieces.add(
                  new Piece(piece.slot().name(), piece.slot().parameter(), piece.from(), part)));
    }
    return pieces;
  }

  /** Whether this rank's pieces are to be saved: of several copies, the first one's are. */
  public boolean isFirstCopy() {
    if (plan.strategy() == Strategy.NO_SHARD) {
      return shards.rank() == 0;
    }
    return replicas == null || replicas.rank() == 0;
  }

  /** Whether every rank has all parameters, outside of recorded programs, too. */
  public boolean keepsWhole() {
    return plan.strategy() == Strategy.NO_SHARD;
  }

  /** The units' names, in the order of the model. */
  public List<String> unitNames() {
    return units.stream().map(ShardedUnit::name).toList();
  }

  /** Elements of the largest unit, padding among them. */
  public long largestUnit() {
    return units.stream().mapToLong(unit -> unit.layout().size()).max().orElse(0);
  }

  /**
   * Says, before a micro-batch is run, whether it is the last one of its step: those before it do
   * not communicate gradients where each rank adds them up by itself.
   */
  public void lastMicroBatch(boolean last) {
    reducing = last;
  }

  /**
   * Emits the sum over all ranks of a number that each computed from its {@link #parts}.
   *
   * @param own of one element
   */
  public Tensor sumOfParts(Tensor own) {
    if (plan.strategy() == Strategy.NO_SHARD) {
      return own;
    }
    Tensor all = host.empty(own.dtype(), Shape.of(shards.size()));
    Tensor mine = own.contiguous();
    host.emit(Communication.allGatherNow(shards, "of a sum", mine, all));
    return all.sum();
  }

  /**
   * Changes values of some parameters outside of programs: all ranks call it and do the same, each
   * with these parameters' units whole, and then keep their parts.
   *
   * @param names of the parameters
   */
  public void edit(Collection<String> names, Runnable change) {
    SequencedMap<ShardedUnit, Tensor> lent = new LinkedHashMap<>();
    for (ShardedUnit unit : units) {
      if (!unit.keepsValues()
          && unit.layout().slots().stream().anyMatch(s -> names.contains(s.name()))) {
        Tensor whole = engine.allocate("parameters", DType.F32, Shape.of(unit.layout().size()));
        engine.emit(Communication.allGatherNow(shards, unit.name(), unit.part(), whole));
        unit.lend(whole);
        lent.put(unit, whole);
      }
    }
    change.run();
    lent.forEach((unit, whole) -> {
      unit.takeBack(whole);
      whole.close();
    });
  }

  /** Frees this rank's parts; the model's programs cannot be run any more. */
  @Override
  public void close() {
    engine.rewritePrograms(ProgramRewriter.NONE);
    resources.close();
  }

  /** Puts the communication into recorded programs. */
  private final class Rewriter implements ProgramRewriter, CommunicationSchedule.Calls {
    @Override
    public void begin() {
      units.forEach(ShardedUnit::begin);
    }

    @Override
    public List<Instruction> rewrite(List<Instruction> recorded) {
      boolean oneStay = plan.strategy() == Strategy.SHARD_GRAD_OP;
      return CommunicationSchedule.of(recorded, units, oneStay, this);
    }

    @Override
    public Communication gather(ShardedUnit unit) {
      return Communication.allGather(route(shards, unit), unit.part(), unit.values());
    }

    @Override
    public List<Instruction> beforeGradient(ShardedUnit unit) {
      return unit.keepsGradients()
          ? List.of()
          : List.of(new Instruction.Fill(unit.gradients().buffer(), 0));
    }

    @Override
    public Communication reduce(ShardedUnit unit) {
      if (unit.keepsValues() && unit.keepsGradients()) {
        return Communication.allReduce(route(shards, unit), unit.gradients(), () -> reducing);
      }
      return Communication.reduceScatter(
          route(shards, unit),
          unit.gradients(),
          unit.keepsValues() ? unit.gradientShare() : unit.partGradient(),
          () -> reducing || !unit.keepsGradients(),
          unit.keepsGradients());
    }

    @Override
    public @Nullable Communication afterReduction(ShardedUnit unit) {
      if (unit.keepsValues() && !unit.keepsGradients()) {
        return Communication.gatherGradient(
            route(shards, unit), unit.gradientShare(), unit.partGradient(), () -> reducing);
      }
      ProcessGroup across = replicas;
      return across == null
          ? null
          : Communication.allReduce(route(across, unit), unit.partGradient(), () -> reducing);
    }

    private Communication.Route route(ProcessGroup group, ShardedUnit unit) {
      return new Communication.Route(group, unit.name(), plan.exchanged());
    }
  }
}
