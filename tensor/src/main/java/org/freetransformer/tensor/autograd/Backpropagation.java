package org.freetransformer.tensor.autograd;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Reverse-mode differentiation: walks the graph from a result back to its leaves. */
public final class Backpropagation {
  private Backpropagation() {}

  /**
   * Where the way back starts.
   *
   * @param tensor a result
   * @param gradient of the loss with respect to it, of equal shape; null for 1
   */
  public record Start(Tensor tensor, @Nullable Tensor gradient) {
    private Tensor slope() {
      return gradient == null ? tensor.engine().full(tensor.dtype(), tensor.shape(), 1) : gradient;
    }
  }

  /**
   * Adds to each leaf's gradient its share of what all starts have.
   *
   * @param starts one or more, of one engine; a tensor that another one was made from gets that
   *     one's share as well
   * @throws IllegalStateException if no gradient flows to a start, or a backward pass went through
   *     a part of its graph before; no gradient is changed then
   */
  public static void run(List<Start> starts) {
    starts.forEach(Backpropagation::requireFitting);
    List<Tensor> order = fromRootsToLeaves(starts.stream().map(Start::tensor).toList());
    order.forEach(Backpropagation::requireUnspent);
    Engine engine = starts.getFirst().tensor().engine();
    Gradients gradients = new Gradients(engine);
    try (Engine.Mode _ = engine.noGrad()) {
      starts.forEach(start -> gradients.start(start.tensor(), start.slope()));
      walk(order, gradients);
    }
  }

  private static void requireFitting(Start start) {
    if (!start.tensor().requiresGrad()) {
      throw new IllegalStateException(
          "no gradient flows to this tensor: no input of its graph called requireGrad(), or it was"
              + " computed under noGrad()");
    }
    Tensor gradient = start.gradient();
    if (gradient != null && !gradient.shape().equals(start.tensor().shape())) {
      throw new IllegalArgumentException(
          "a gradient of shape %s does not fit a tensor of shape %s"
              .formatted(gradient.shape(), start.tensor().shape()));
    }
  }

  /** Goes on from a tensor whose gradient is complete to the tensors that it was made from. */
  static void goOn(Tensor from, Gradients gradients) {
    walk(fromRootsToLeaves(List.of(from)), gradients);
  }

  private static void walk(List<Tensor> order, Gradients gradients) {
    for (Tensor tensor : order) {
      Node node = tensor.node();
      Tensor dy = gradients.take(tensor);
      if (node != null && dy != null) {
        node.run(dy, gradients);
      }
    }
  }

  private static void requireUnspent(Tensor tensor) {
    Node node = tensor.node();
    if (node != null && node.isSpent()) {
      throw new IllegalStateException(
          "backward went through this graph before, and it is spent: compute the loss anew (or add"
              + " the losses and go back once)");
    }
  }

  /**
   * Every tensor of the graph that has a node, each before all tensors that it was made from: in
   * the reverse order of computation, so that sums of gradients come out the same however the graph
   * is cut into segments.
   */
  private static List<Tensor> fromRootsToLeaves(List<Tensor> roots) {
    record Step(Tensor tensor, Node node) {}
    List<Step> steps = new ArrayList<>();
    Set<Tensor> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Tensor> stack = new ArrayDeque<>();
    roots.forEach(stack::push);
    while (!stack.isEmpty()) {
      Tensor tensor = stack.pop();
      Node node = tensor.node();
      if (node != null && seen.add(tensor)) {
        steps.add(new Step(tensor, node));
        node.inputs().forEach(stack::push);
      }
    }
    steps.sort(Comparator.comparingLong((Step step) -> step.node().number()).reversed());
    return steps.stream().map(Step::tensor).toList();
  }
}
