package org.freetransformer.nn.sharding;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.freetransformer.nn.Parameter;
import org.freetransformer.nn.Resources;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Scope;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.jspecify.annotations.Nullable;

/**
 * A unit on one rank: its part of the parameters and, if it is trained, of the gradients, both kept
 * until it is closed; and the whole of both, which most strategies have only within programs. Where
 * nothing is split, the rank's part is everything, and its share that of which it adds up the
 * gradients.
 */
final class ShardedUnit implements AutoCloseable {
  /**
   * What a rank has of every unit.
   *
   * @param index number of its share
   * @param count number of equal shares
   * @param whole whether its part is the whole unit rather than its share
   * @param localGradients whether it adds up whole gradients by itself
   */
  record Share(int index, int count, boolean whole, boolean localGradients) {}

  private final Engine engine;
  private final Engine host;
  private final String name;
  private final UnitLayout layout;
  private final boolean trained;
  private final Share share;
  private final Tensor part;
  private final @Nullable Tensor partGradient;
  private final SequencedMap<UnitLayout.Piece, Parameter> pieces = new LinkedHashMap<>();

  // The whole unit: kept between programs, or made anew for each.
  private final Resources resources;
  private @Nullable Tensor values;
  private @Nullable Tensor gradients;

  /**
   * Takes a rank's part of a unit's parameters; the parameters' own memory is freed.
   *
   * @param engine computes with the whole unit
   * @param host keeps the rank's part
   */
  ShardedUnit(
      Engine engine,
      Engine host,
      String name,
      SequencedMap<String, Parameter> parameters,
      Share share) {
    this.engine = engine;
    this.host = host;
    this.name = name;
    this.share = share;
    this.layout = new UnitLayout(name, parameters, share.count());
    this.trained = parameters.firstEntry().getValue().isTrained();
    boolean whole = share.whole();
    int size = whole ? layout.size() : layout.partSize();
    try (Resources taken = new Resources()) {
      this.part = taken.add(host.allocate("parameters", DType.F32, Shape.of(size)));
      this.partGradient = trained ? taken.add(newGradient(host, size)) : null;
      (whole ? layout.pieces() : layout.pieces(share.index())).forEach(this::take);
      if (share.localGradients() && trained) {
        gradients = whole ? partGradient : taken.add(newGradient(engine, layout.size()));
      }
      this.resources = taken.keep();
    }
    if (whole) {
      values = part;
      placeValues();
      placeGradients();
    } else {
      layout.slots().forEach(slot -> slot.parameter().replace(absent(slot)));
    }
  }

  private static Tensor newGradient(Engine keeper, int size) {
    return keeper.allocate("gradients", DType.F32, Shape.of(size));
  }

  private Tensor absent(UnitLayout.Slot slot) {
    return engine.placeholder(DType.F32, slot.parameter().value().shape());
  }

  /** Copies this rank's piece of a parameter from where it is, or draws its first values. */
  private void take(UnitLayout.Piece piece) {
    Parameter parameter = piece.slot().parameter();
    Tensor mine = part.view(part.layout().narrow(0, piece.offset(), piece.length()));
    try (Scope _ = host.scope("sharding");
        Engine.Mode _ = engine.noGrad()) {
      Tensor all = parameter.value();
      if (!all.buffer().storage().isAlive()) {
        all = host.empty(DType.F32, all.shape());
        parameter.initialise(all);
      }
      Tensor flat = all.view(all.layout().reshape(Shape.of(Math.toIntExact(parameter.size()))));
      engine.emit(
          new Instruction.Copy(
              flat.view(flat.layout().narrow(0, Math.toIntExact(piece.from()), piece.length()))
                  .buffer(),
              Output.to(mine.buffer())));
    }
    Parameter own = Parameter.part(parameter, mine);
    pieces.put(piece, own);
    if (partGradient == null) {
      own.freeze();
    } else {
      own.value()
          .setGrad(
              partGradient.view(partGradient.layout().narrow(0, piece.offset(), piece.length())));
    }
  }

  /** A program begins: what is not kept between programs is the program's. */
  void begin() {
    Shape flat = Shape.of(layout.size());
    if (!keepsValues()) {
      values = engine.empty(DType.F32, flat);
      placeValues();
    }
    if (!keepsGradients() && trained) {
      gradients = engine.empty(DType.F32, flat);
    }
    placeGradients();
  }

  /** Lets the parameters be views of the whole unit. */
  private void placeValues() {
    lend(values());
  }

  /** Lets the parameters' gradients be views of the whole gradient. */
  private void placeGradients() {
    Tensor slopes = gradients;
    if (slopes != null) {
      for (UnitLayout.Slot slot : layout.slots()) {
        slot.parameter().value().setGrad(slopes.view(slot.in(slopes.layout())));
      }
    }
  }

  /**
   * Lets the parameters be views of a whole unit outside of programs, until they are taken back.
   */
  void lend(Tensor whole) {
    layout.slots().forEach(slot -> slot.parameter().replace(whole.view(slot.in(whole.layout()))));
  }

  /** Takes this rank's part of what became of a whole unit; the parameters have no values again. */
  void takeBack(Tensor whole) {
    int begin = share.index() * layout.partSize();
    Tensor mine = whole.view(whole.layout().narrow(0, begin, layout.partSize()));
    engine.emit(new Instruction.Copy(mine.buffer(), Output.to(part.buffer())));
    layout.slots().forEach(slot -> slot.parameter().replace(absent(slot)));
  }

  String name() {
    return name;
  }

  UnitLayout layout() {
    return layout;
  }

  boolean isTrained() {
    return trained;
  }

  /** Whether the rank has the whole unit all the time. */
  boolean keepsValues() {
    return share.whole();
  }

  /** Whether the rank adds up whole gradients over the micro-batches of a step. */
  boolean keepsGradients() {
    return share.localGradients();
  }

  /** This rank's part of the parameters. */
  Tensor part() {
    return part;
  }

  /** This rank's part of the gradient; of a trained unit. */
  Tensor partGradient() {
    return required(partGradient);
  }

  /** This rank's share of the gradient, where its part is everything. */
  Tensor gradientShare() {
    Tensor all = partGradient();
    int begin = share.index() * layout.partSize();
    return all.view(all.layout().narrow(0, begin, layout.partSize()));
  }

  /** The whole unit, as the current program sees it. */
  Tensor values() {
    return required(values);
  }

  /** The whole gradient, as the current program sees it; of a trained unit. */
  Tensor gradients() {
    return required(gradients);
  }

  private Tensor required(@Nullable Tensor tensor) {
    if (tensor == null) {
      throw new IllegalStateException("unit " + name + " has no such tensor now");
    }
    return tensor;
  }

  /** What this rank holds of the parameters. */
  SequencedMap<UnitLayout.Piece, Parameter> pieces() {
    return pieces;
  }

  @Override
  public void close() {
    resources.close();
  }
}
