package org.freetransformer.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import org.freetransformer.tensor.device.Devices;
import org.freetransformer.tensor.memory.MemoryPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who owns memory, and until when. */
class ScopeTest {
  private final Engine engine = Engine.on(Devices.scalar());
  private final MemoryPool memory = engine.device().memory();

  @AfterEach
  void closeEngine() {
    engine.close();
    assertThat(memory.liveBytes()).isZero();
    assertThat(memory.liveBytesByOwner()).isEmpty();
  }

  @Test
  void whatAScopeMadeDiesWithIt() {
    SmallNetwork network = new SmallNetwork(engine, 3);
    long baseline = memory.liveBytes();
    for (int i = 0; i < 5; i++) {
      try (Scope _ = engine.scope("activations")) {
        network.step();
        assertThat(memory.liveBytes()).isGreaterThan(baseline);
        assertThat(memory.liveBytesByOwner()).containsKey("activations");
      }
      assertThat(memory.liveBytes()).isEqualTo(baseline);
      assertThat(memory.liveBytesByOwner()).doesNotContainKey("activations");
    }
    long reserved = memory.reservedBytes();
    try (Scope _ = engine.scope("activations")) {
      network.step();
    }
    assertThat(memory.reservedBytes()).isEqualTo(reserved);
  }

  @Test
  void valuesThatAreThereAlreadyAreUsedInPlaceOrCopied() {
    try (Arena arena = Arena.ofConfined();
        Engine fast = Engine.on(Devices.cpu(1))) {
      MemorySegment values = arena.allocate(3L * Float.BYTES, MemoryPool.ALIGNMENT);
      values.copyFrom(MemorySegment.ofArray(new float[] {1, 2, 3}));
      Tensor inPlace = fast.adopt("weights", DType.F32, Shape.of(3), values.asReadOnly());
      Tensor copy = engine.adopt("weights", DType.F32, Shape.of(3), values.asReadOnly());
      values.set(ValueLayout.JAVA_FLOAT, 0, 5);
      assertThat(inPlace.add(1).toFloats()).containsExactly(6, 3, 4);
      assertThat(copy.add(1).toFloats()).containsExactly(2, 3, 4);
      assertThat(fast.device().memory().liveBytesByOwner()).doesNotContainKey("weights");
      assertThat(memory.liveBytesByOwner()).containsEntry("weights", 12L);
      inPlace.close();
      assertThatThrownBy(inPlace::toFloats)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("use after free");
      assertThatThrownBy(() -> fast.adopt("weights", DType.F32, Shape.of(1), values.asSlice(4, 4)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("aligned");
    }
  }

  @Test
  void whatCouldNotBeWrittenIsFreed() {
    assertThatThrownBy(() ->
            engine.filled(
                "weights",
                DType.F32,
                Shape.of(3),
                _ -> {
                  throw new OutOfMemoryError("no more memory");
                }))
        .isInstanceOf(OutOfMemoryError.class);
    assertThat(memory.liveBytesByOwner()).doesNotContainKey("weights");
  }

  @Test
  void theInnermostScopeOwns() {
    Tensor outer;
    try (Scope _ = engine.scope("outer")) {
      outer = engine.ones(3);
      Tensor inner;
      try (Scope _ = engine.scope("inner")) {
        inner = outer.add(1);
        assertThat(memory.liveBytesByOwner()).containsEntry("inner", 12L);
      }
      assertThatThrownBy(inner::toFloats)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("use after free")
          .hasMessageContaining("'inner'");
      assertThat(outer.toFloats()).containsExactly(1, 1, 1);
    }
    assertThatThrownBy(outer::toFloats).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void theGradientOfALeafDiesWithTheLeaf() {
    long baseline = memory.liveBytes();
    try (Scope _ = engine.scope("step")) {
      Tensor x = engine.ones(3).requireGrad();
      Tensor view = engine.ones(2, 3).narrow(0, 1, 1).detach().requireGrad();
      x.mul(view).sum().backward();
      assertThat(x.grad()).isNotNull();
      assertThat(view.grad()).isNotNull();
    }
    assertThat(memory.liveBytes()).isEqualTo(baseline);
    Tensor parameter = engine.allocate("parameters", DType.F32, Shape.of(3)).requireGrad();
    try (Scope _ = engine.scope("step")) {
      parameter.exp().sum().backward();
    }
    assertThat(Objects.requireNonNull(parameter.grad()).toFloats()).containsExactly(1, 1, 1);
    parameter.close();
    assertThat(memory.liveBytes()).isEqualTo(baseline);
  }

  @Test
  void readingValuesLeavesNothingBehind() {
    Tensor x = engine.tensor(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
    long baseline = memory.liveBytes();
    assertThat(x.transpose(0, 1).toFloats()).containsExactly(1, 4, 2, 5, 3, 6);
    assertThat(x.toInts()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(x.narrow(1, 2, 1).toDoubles()).containsExactly(3, 6);
    assertThat(x.narrow(1, 2, 1).narrow(0, 1, 1).item()).isEqualTo(6);
    assertThat(memory.liveBytes()).isEqualTo(baseline);
  }

  @Test
  void whatIsKeptOutlivesItsScope() {
    long baseline = memory.liveBytes();
    Tensor kept;
    Tensor keptView;
    try (Scope scope = engine.scope("step")) {
      kept = scope.keep(engine.ones(3));
      keptView = scope.keep(engine.ones(2, 3).add(1).transpose(0, 1));
    }
    assertThat(kept.toFloats()).containsExactly(1, 1, 1);
    assertThat(keptView.toFloats()).containsExactly(2, 2, 2, 2, 2, 2);
    assertThat(memory.liveBytes()).isGreaterThan(baseline);
    kept.close();
    keptView.close();
    assertThat(memory.liveBytes()).isEqualTo(baseline);
  }

  @Test
  void whatAScopeHandsOverDiesWithTheScopeAroundIt() {
    long baseline = memory.liveBytes();
    try (Scope _ = engine.scope("outer")) {
      Tensor result;
      try (Scope inner = engine.scope("inner")) {
        result = inner.handOver(engine.ones(2, 3).add(1).transpose(0, 1));
        assertThatThrownBy(() -> inner.handOver(result))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThat(result.toFloats()).containsExactly(2, 2, 2, 2, 2, 2);
      assertThat(memory.liveBytes()).isEqualTo(baseline + result.buffer().storage().bytes());
    }
    assertThat(memory.liveBytes()).isEqualTo(baseline);
    try (Scope only = engine.scope("only")) {
      only.handOver(engine.ones(3));
    }
    assertThat(memory.liveBytes()).isGreaterThan(baseline); // The engine's, until it closes.
  }

  @Test
  void onlyItsOwnCanAScopeKeep() {
    Tensor outside = engine.ones(3);
    try (Scope scope = engine.scope("step")) {
      assertThatThrownBy(() -> scope.keep(outside))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("scope 'step' cannot keep Tensor f32[3]");
    }
  }

  @Test
  void whatARecordedBodyMakesIsNoScopes() {
    try (Scope scope = engine.scope("step")) {
      Tensor x = engine.ones(3);
      assertThatThrownBy(() -> Program.record(engine, () -> List.of(scope.keep(x.add(1)))))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("a program is being recorded: what it makes is its own");
      Program.record(engine, () -> List.of(scope.keep(x).add(1))).close();
      x.close();
    }
  }

  /** The view has its gradient in the scope, and its memory outside. */
  @Test
  void aLeafThatIsAViewOfOthersMemoryCannotBeKept() {
    Tensor outside = engine.ones(2, 3);
    long baseline = memory.liveBytes();
    try (Scope scope = engine.scope("step")) {
      Tensor view = outside.narrow(0, 1, 1).detach().requireGrad();
      assertThatThrownBy(() -> scope.keep(view))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("it was made elsewhere");
      view.exp().sum().backward();
    }
    assertThat(memory.liveBytes()).isEqualTo(baseline);
    assertThat(outside.toFloats()).containsExactly(1, 1, 1, 1, 1, 1);
  }

  /** Only once, though there are two tensors of its memory. */
  @Test
  void theGradientOfAViewDiesWithTheScopeThoughTheMemoryIsKept() {
    long baseline = memory.liveBytes();
    Tensor kept;
    try (Scope scope = engine.scope("step")) {
      Tensor owner = engine.ones(2, 3);
      Tensor view = owner.narrow(0, 1, 1).detach().requireGrad();
      view.exp().sum().backward();
      kept = scope.keep(owner);
      assertThatThrownBy(() -> scope.keep(view)).isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(kept.toFloats()).containsExactly(1, 1, 1, 1, 1, 1);
    kept.close();
    assertThat(memory.liveBytes()).isEqualTo(baseline);
  }

  @Test
  void scopesCloseInReverseOrder() {
    Scope outer = engine.scope("outer");
    Scope inner = engine.scope("inner");
    Tensor x = engine.ones(3);
    assertThatThrownBy(outer::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("reverse order");
    assertThat(x.toFloats()).containsExactly(1, 1, 1);
    inner.close();
    inner.close();
    outer.close();
  }

  @Test
  void closingATensorEarlyIsFine() {
    long baseline = memory.liveBytes();
    try (Scope _ = engine.scope("step")) {
      for (int i = 0; i < 5000; i++) {
        engine.ones(3).close();
      }
      assertThat(memory.liveBytes()).isEqualTo(baseline);
      Tensor x = engine.ones(3);
      x.reshape(3, 1).close();
      assertThat(x.toFloats()).containsExactly(1, 1, 1);
      x.close();
      x.close();
      assertThatThrownBy(x::toFloats).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void anEngineFreesWhatIsStillOpen() {
    Engine other = Engine.on(Devices.scalar());
    MemoryPool pool = other.device().memory();
    Tensor allocated = other.allocate("parameters", DType.F32, Shape.of(3));
    Tensor outside = other.ones(3);
    other.scope("left open");
    Tensor inside = other.ones(3);
    Program program = Program.record(other, () -> List.of(allocated.add(1)));
    other.close();
    other.close();
    assertThat(pool.liveBytes()).isZero();
    assertThat(pool.reservedBytes()).isZero();
    for (Tensor tensor : new Tensor[] {allocated, outside, inside}) {
      assertThatThrownBy(tensor::toFloats).isInstanceOf(IllegalStateException.class);
      tensor.close();
    }
    assertThatThrownBy(program::run)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    program.close();
    assertThatThrownBy(() -> other.ones(3))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThat(pool.liveBytes()).isZero();
  }
}
