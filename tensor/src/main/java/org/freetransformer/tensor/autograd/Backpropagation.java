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

/** Reverse-mode differentiation: walks the graph from a result back to its leaves. */
public final class Backpropagation {
  private Backpropagation() {}

  /**
   * Adds to each leaf's gradient its share of {@code root}'s.
   *
   * @param root where to start
   * @param gradient gradient of the loss with respect to {@code root}, of equal shape
   * @throws IllegalStateException if no gradient flows to {@code root}, or a backward pass went
   *     through a part of its graph before; no gradient is changed then
   */
  public static void run(Tensor root, Tensor gradient) {
    if (!root.requiresGrad()) {
      throw new IllegalStateException(
          "no gradient flows to this tensor: no input of its graph called requireGrad(), or it was"
              + " computed under noGrad()");
    }
    if (!gradient.shape().equals(root.shape())) {
      throw new IllegalArgumentException(
          "a gradient of shape %s does not fit a tensor of shape %s"
              .formatted(gradient.shape(), root.shape()));
    }
    List<Tensor> order = fromRootToLeaves(root);
    order.forEach(Backpropagation::requireUnspent);
    Gradients gradients = new Gradients(root.engine());
    try (Engine.Mode _ = root.engine().noGrad()) {
      gradients.start(root, gradient);
      walk(order, gradients);
    }
  }

  /** Goes on from a tensor whose gradient is complete to the tensors that it was made from. */
  static void goOn(Tensor from, Gradients gradients) {
    walk(fromRootToLeaves(from), gradients);
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
  private static List<Tensor> fromRootToLeaves(Tensor root) {
    record Step(Tensor tensor, Node node) {}
    List<Step> steps = new ArrayList<>();
    Set<Tensor> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Tensor> stack = new ArrayDeque<>();
    stack.push(root);
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
