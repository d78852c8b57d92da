package org.freetransformer.tensor.autograd;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Shape;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Buffer;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.ReduceFunction;
import org.freetransformer.tensor.device.Storage;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of one backward pass. A tensor that was used several times has several sources: the
 * first writes its gradient, the others add to it, inside the kernels that compute them.
 */
public final class Gradients {
  private final Engine engine;
  private final IdentityHashMap<Tensor, Tensor> pending = new IdentityHashMap<>();

  /** Memory that serves as some tensor's gradient, so that no second tensor may take it over. */
  private final Set<Storage> taken = Collections.newSetFromMap(new IdentityHashMap<>());

  /** Stand-ins of inputs in a segment that is computed again; theirs is their original's. */
  private final IdentityHashMap<Tensor, Tensor> originals = new IdentityHashMap<>();

  Gradients(Engine engine) {
    this.engine = engine;
  }

  void start(Tensor root, Tensor gradient) {
    taken.add(gradient.buffer().storage());
    give(root, gradient);
  }

  /**
   * A stand-in for an input, to compute a segment from again: its gradient is the original's, and
   * the way back ends at it.
   */
  Tensor standIn(Tensor original) {
    Tensor entry = original.detach();
    if (original.requiresGrad()) {
      entry.withNode(new Node(List.of(), (_, _) -> {}));
      originals.put(entry, original);
    }
    return entry;
  }

  /** Goes back from what was computed again, given the gradient of what was computed first. */
  void goOn(Tensor again, Tensor gradient) {
    if (again.node() == null || originals.containsKey(again)) {
      give(again, gradient); // The segment computes nothing: it passes on an input, or a leaf.
      return;
    }
    if (!taken.add(gradient.buffer().storage())) {
      again.retainGrad(); // It is kept as the gradient of what was computed first.
    }
    pending.put(again, gradient);
    Backpropagation.goOn(again, this);
  }

  private Tensor original(Tensor input) {
    Tensor original = input;
    while (originals.containsKey(original)) {
      original = originals.get(original);
    }
    return original;
  }

  /** The complete gradient of a tensor that is not a leaf, which leaves the books. */
  @Nullable Tensor take(Tensor tensor) {
    Tensor gradient = pending.remove(tensor);
    if (gradient == null) {
      return null;
    }
    if (tensor.retainsGrad()) {
      tensor.setGrad(gradient);
    } else {
      taken.remove(gradient.buffer().storage());
    }
    return gradient;
  }

  /** Whether an input needs its gradient computed. */
  public boolean wants(Tensor input) {
    return input.requiresGrad();
  }

  /** Where a kernel puts an input's gradient: the input's shape, contiguous. */
  public Output into(Tensor input) {
    Tensor owner = original(input);
    Tensor present = present(owner);
    return present != null ? Output.addTo(present.buffer()) : Output.to(create(owner).buffer());
  }

  /** The same as {@link #into}, or null if the input needs no gradient. */
  public @Nullable Output intoIfWanted(Tensor input) {
    return wants(input) ? into(input) : null;
  }

  /** An input's gradient to be added to by kernels that can only add: filled with zeros if new. */
  public Buffer accumulator(Tensor input) {
    Tensor owner = original(input);
    Tensor present = present(owner);
    if (present == null) {
      present = create(owner);
      engine.emit(new Instruction.Fill(present.buffer(), 0));
    }
    return present.buffer();
  }

  /**
   * Puts the gradient of a broadcast operation where it belongs: straight into the input's gradient
   * if shapes are equal, else summed over the axes along which the input was repeated.
   *
   * @param shape shape of the operation's output
   * @param kernel emits the instruction that computes the gradient in that shape
   */
  public void intoBroadcast(Tensor input, Shape shape, Consumer<Output> kernel) {
    if (!wants(input)) {
      return;
    }
    if (input.shape().equals(shape)) {
      kernel.accept(into(input));
      return;
    }
    Tensor full = engine.empty(input.dtype(), shape);
    kernel.accept(Output.to(full.buffer()));
    giveSum(input, full);
  }

  /**
   * Passes on a gradient that is computed already to an input that was broadcast: summed over the
   * axes along which the input was repeated, and as {@link #give} does if there are none.
   */
  public void giveSum(Tensor input, Tensor full) {
    if (!wants(input)) {
      return;
    }
    if (input.shape().equals(full.shape())) {
      give(input, full);
      return;
    }
    int[] dims = new int[full.shape().rank()];
    int lead = dims.length - input.shape().rank();
    for (int i = 0; i < dims.length; i++) {
      dims[i] = i < lead ? 1 : input.dim(i - lead);
    }
    Output target = into(input);
    Buffer aligned = target.buffer().with(target.buffer().layout().reshape(Shape.of(dims)));
    engine.emit(
        new Instruction.Reduce(
            ReduceFunction.SUM, full.buffer(), new Output(aligned, target.accumulate())));
  }

  /**
   * Passes on a gradient that is computed already. If nothing else has a claim on its memory, it
   * becomes the input's gradient without a copy; so an operation must have emitted all its reads of
   * {@code gradient} before.
   */
  public void give(Tensor input, Tensor gradient) {
    if (!wants(input)) {
      return;
    }
    Tensor owner = original(input);
    boolean mayTakeOver =
        present(owner) == null
            && owner.node() != null
            && gradient.buffer().isContiguous()
            && taken.add(gradient.buffer().storage());
    if (mayTakeOver) {
      pending.put(owner, gradient);
    } else {
      engine.emit(new Instruction.Copy(gradient.buffer(), into(input)));
    }
  }

  /** A gradient under another layout: for operations that only change how elements are seen. */
  public void giveView(Tensor input, Tensor gradient, Layout layout) {
    give(input, gradient.view(layout));
  }

  private @Nullable Tensor present(Tensor input) {
    return input.node() == null ? input.grad() : pending.get(input);
  }

  private Tensor create(Tensor input) {
    if (input.node() == null) {
      return engine.allocateGradient(input);
    }
    Tensor gradient = engine.empty(input.dtype(), input.shape());
    taken.add(gradient.buffer().storage());
    pending.put(input, gradient);
    return gradient;
  }
}
