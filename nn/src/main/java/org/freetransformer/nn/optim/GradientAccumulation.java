package org.freetransformer.nn.optim;

import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.freetransformer.nn.Parameter;
import org.freetransformer.tensor.Engine;
import org.freetransformer.tensor.Program;
import org.freetransformer.tensor.ProgramRewriter;
import org.freetransformer.tensor.Tensor;
import org.freetransformer.tensor.device.Instruction;
import org.freetransformer.tensor.device.Output;
import org.freetransformer.tensor.device.Storage;

/**
 * Adds up the gradients of a step's micro-batches one after the other: each micro-batch's is
 * computed by itself, and added when it is complete. So the sum has the bits of one whose terms
 * come from several ranks; kernels that add to it in place would round in another order.
 */
public final class GradientAccumulation implements ProgramRewriter {
  private final Engine engine;
  private final List<Tensor> values;
  private final List<Tensor> sums;
  private final List<Tensor> terms = new ArrayList<>();

  private GradientAccumulation(Engine engine, Collection<Parameter> trained) {
    this.engine = engine;
    this.values = trained.stream().map(Parameter::value).toList();
    this.sums = values.stream().map(GradientAccumulation::gradientOf).toList();
  }

  private static Tensor gradientOf(Tensor value) {
    Tensor gradient = value.grad();
    if (gradient == null) {
      throw new IllegalStateException("a parameter has no gradient to add to");
    }
    return gradient;
  }

  /**
   * Records the forward and backward pass of one micro-batch.
   *
   * @param trained parameters that have gradients already, to which every run of the program adds
   * @param body as for {@link Program#record}
   */
  public static Program record(
      Engine engine, Collection<Parameter> trained, Supplier<List<Tensor>> body) {
    GradientAccumulation accumulation = new GradientAccumulation(engine, trained);
    engine.rewritePrograms(accumulation);
    try {
      return Program.record(engine, body);
    } finally {
      engine.rewritePrograms(ProgramRewriter.NONE);
      accumulation.place(accumulation.sums);
    }
  }

  private void place(List<Tensor> gradients) {
    for (int i = 0; i < values.size(); i++) {
      values.get(i).setGrad(gradients.get(i));
    }
  }

  @Override
  public void begin() {
    values.forEach(value -> terms.add(engine.empty(value.dtype(), value.shape())));
    place(terms);
  }

  @Override
  public List<Instruction> rewrite(List<Instruction> recorded) {
    IdentityHashMap<Storage, Term> byStorage = new IdentityHashMap<>();
    for (int i = 0; i < terms.size(); i++) {
      byStorage.put(terms.get(i).buffer().storage(), new Term(terms.get(i), sums.get(i)));
    }
    for (int i = 0; i < recorded.size(); i++) {
      for (Term term : writtenBy(recorded.get(i), byStorage)) {
        term.first = Math.min(term.first, i);
        term.last = i;
      }
    }
    List<Instruction> result = new ArrayList<>();
    for (int i = 0; i < recorded.size(); i++) {
      List<Term> written = writtenBy(recorded.get(i), byStorage);
      for (Term term : written) {
        if (term.first == i) {
          result.add(new Instruction.Fill(term.gradient.buffer(), 0));
        }
      }
      result.add(recorded.get(i));
      for (Term term : written) {
        if (term.last == i) {
          result.add(new Instruction.Copy(term.gradient.buffer(), Output.addTo(term.sum.buffer())));
        }
      }
    }
    return result;
  }

  private static List<Term> writtenBy(
      Instruction instruction, IdentityHashMap<Storage, Term> byStorage) {
    return instruction.writes().stream()
        .map(written -> byStorage.get(written.storage()))
        .filter(Objects::nonNull)
        .distinct()
        .toList();
  }

  /** One parameter's gradient of a micro-batch, and which instructions write it. */
  private static final class Term {
    private final Tensor gradient;
    private final Tensor sum;
    private int first = Integer.MAX_VALUE;
    private int last = -1;

    Term(Tensor gradient, Tensor sum) {
      this.gradient = gradient;
      this.sum = sum;
    }
  }
}
