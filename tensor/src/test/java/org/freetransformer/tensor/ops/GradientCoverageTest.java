package org.freetransformer.tensor.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.freetransformer.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** No operation can be added without a check of its gradient, or a reason why it has none. */
class GradientCoverageTest {
  private static final Map<String, String> WITHOUT_GRADIENT =
      Map.ofEntries(
          Map.entry("Tensor.requireGrad()", "no operation"),
          Map.entry("Tensor.retainGrad()", "no operation"),
          Map.entry("Tensor.grad()", "no operation"),
          Map.entry("Tensor.withNode(Node)", "no operation"),
          Map.entry("Tensor.detach()", "is there to cut the graph"),
          Map.entry("Tensor.view(Layout)", "for operations, which tie it to the graph themselves"),
          Map.entry("Tensor.set(float[])", "values from the host"),
          Map.entry("Tensor.set(double[])", "values from the host"),
          Map.entry("Tensor.set(int[])", "values from the host"),
          Map.entry("Tensor.set(MemorySegment)", "values from the host"),
          Map.entry("Tensor.equal(Tensor)", "piecewise constant"),
          Map.entry("Tensor.notEqual(Tensor)", "piecewise constant"),
          Map.entry("Tensor.greater(Tensor)", "piecewise constant"),
          Map.entry("Tensor.less(Tensor)", "piecewise constant"),
          Map.entry("QuantizedLinearOp.forward(Tensor,Weight)", "for generation alone"),
          Map.entry("BinaryMapperOp.sample(Tensor,boolean)", "gives integers"),
          Map.entry("BinaryMapperOp.bits(Tensor,int,DType)", "takes integers alone"));

  @Test
  void everyOperationHasAGradientCheckOrAReasonToHaveNone() throws Exception {
    Set<String> operations = new TreeSet<>();
    for (Class<?> type : classesBeside(ViewOp.class)) {
      if (Modifier.isPublic(type.getModifiers())) {
        methods(type)
            .filter(m -> Modifier.isStatic(m.getModifiers()))
            .forEach(m -> operations.add(name(m)));
      }
    }
    methods(Tensor.class).forEach(m -> operations.add(name(m)));

    Set<String> covered = new TreeSet<>(WITHOUT_GRADIENT.keySet());
    for (Class<?> type : classesBeside(GradientCoverageTest.class)) {
      for (Method method : type.getDeclaredMethods()) {
        GradientOf checked = method.getAnnotation(GradientOf.class);
        if (checked != null) {
          assertThat(method.isAnnotationPresent(Test.class)).as("%s is a test", method).isTrue();
          covered.addAll(Arrays.asList(checked.value()));
        }
      }
    }
    assertThat(covered).containsExactlyElementsOf(operations);
  }

  private static Stream<Method> methods(Class<?> type) {
    return Arrays.stream(type.getDeclaredMethods())
        .filter(method -> Modifier.isPublic(method.getModifiers()))
        .filter(method -> method.getReturnType() == Tensor.class);
  }

  private static String name(Method method) {
    return Arrays.stream(method.getParameterTypes())
        .map(Class::getSimpleName)
        .collect(
            Collectors.joining(
                ",",
                method.getDeclaringClass().getSimpleName() + "." + method.getName() + "(",
                ")"));
  }

  /** All classes of a class's package that were compiled into the same directory. */
  private static List<Class<?>> classesBeside(Class<?> type) throws Exception {
    URI root = type.getProtectionDomain().getCodeSource().getLocation().toURI();
    Path directory = Path.of(root).resolve(type.getPackageName().replace('.', '/'));
    List<Class<?>> classes = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        if (name.endsWith(".class") && !name.startsWith("package-info")) {
          String simple = name.substring(0, name.length() - ".class".length());
          classes.add(Class.forName(type.getPackageName() + "." + simple));
        }
      }
    }
    return classes;
  }
}
