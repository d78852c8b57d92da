package org.freetransformer.tensor.autograd;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** An operation that was applied: its inputs, and how gradients get back to them. */
public final class Node {
  /** Emits the instructions that carry the gradient of an operation's output to its inputs. */
  @FunctionalInterface
  public interface Backward {
    /**
     * Runs the backward of one operation.
     *
     * @param dy gradient of the output: the output's shape, contiguous
     * @param gradients where the inputs' gradients go
     */
    void run(Tensor dy, Gradients gradients);
  }

  private static final AtomicLong CREATED = new AtomicLong();

  private final long number = CREATED.getAndIncrement();
  private final List<Tensor> inputs;
  private final Backward backward;
  private @Nullable Supplier<Tensor> again;
  private @Nullable Tensor computedAgain;
  private boolean spent;

  Node(List<Tensor> inputs, Backward backward) {
    this.inputs = inputs;
    this.backward = backward;
  }

  /**
   * Remembers an operation, if gradients are enabled and one of its inputs wants one.
   *
   * @param output the operation's result
   * @param inputs the tensors to which gradients flow
   * @param backward the way back
   * @return {@code output}
   */
  public static Tensor attach(Tensor output, List<Tensor> inputs, Backward backward) {
    Engine engine = output.engine();
    if (engine.gradEnabled() && inputs.stream().anyMatch(Tensor::requiresGrad)) {
      output.withNode(new Node(List.copyOf(inputs), backward));
    }
    return output;
  }

  /**
   * The same for a result that costs little beside the products that read it, and that they need
   * again in the backward pass: {@link #again}.
   *
   * @param again computes the result once more, to the bit
   */
  public static Tensor attachCheap(
      Tensor output, List<Tensor> inputs, Supplier<Tensor> again, Backward backward) {
    Tensor attached = attach(output, inputs, backward);
    Node node = attached.node();
    if (node != null) {
      node.again = again;
    }
    return attached;
  }

  /**
   * What a backward pass reads where it needs an operand: while a program is recorded, a cheap one
   * is computed again, so that its memory is free from its last use in the forward pass on
   * (selective recomputation: Korthikanti et al., 2022); any other is itself.
   */
  public static Tensor again(Tensor operand) {
    Node node = operand.node();
    if (node == null || node.again == null || !operand.engine().isRecording()) {
      return operand;
    }
    if (node.computedAgain == null) {
      node.computedAgain = node.again.get();
    }
    return node.computedAgain;
  }

  List<Tensor> inputs() {
    return inputs;
  }

  /** Grows with every operation: what was computed later has the larger one. */
  long number() {
    return number;
  }

  boolean isSpent() {
    return spent;
  }

  void run(Tensor dy, Gradients gradients) {
    spent = true;
    backward.run(dy, gradients);
  }
}
