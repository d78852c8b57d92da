package org.freetransformer.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.be;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.stream.Collectors.toUnmodifiableSet;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Set;
import java.util.stream.Stream;
import org.freetransformer.tensor.BFloat16;
import org.freetransformer.tensor.DType;
import org.freetransformer.tensor.Layout;
import org.freetransformer.tensor.Philox;
import org.freetransformer.tensor.Shape;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The house's one rule: dependencies point one way, app → freetransformer → nn → tensor → JDK. */
class ArchitectureTest {
  /** Sums and roundings of exchanges between ranks, on raw memory that belongs to no device. */
  private static final String COLLECTIVE_LOOPS = "org.freetransformer.nn.sharding.VectorNumbers";

  private static final String TENSOR = "org.freetransformer.tensor..";
  private static final String NN = "org.freetransformer.nn..";
  private static final String[] LIBRARY = {
    "org.freetransformer.config..",
    "org.freetransformer.model..",
    "org.freetransformer.checkpoint..",
    "org.freetransformer.data..",
    "org.freetransformer.train..",
    "org.freetransformer.eval..",
    "org.freetransformer.generate.."
  };
  private static final String[] JSON = {
    "org.freetransformer.checkpoint..", "org.freetransformer.config.."
  };
  private static final String[] APP = {
    "org.freetransformer.cli..",
    "org.freetransformer.corpus..",
    "org.freetransformer.compare..",
    "org.freetransformer.demo..",
    "org.freetransformer.plots..",
    "org.freetransformer.precision..",
    "org.freetransformer.run..",
    "org.freetransformer.server..",
    "org.freetransformer.study..",
    "org.freetransformer.tokenizers.."
  };
  private static final Set<String> VALUES =
      Stream.of(BFloat16.class, DType.class, Layout.class, Philox.class, Shape.class)
          .map(Class::getName)
          .collect(toUnmodifiableSet());
  private static final String GPU = "org.freetransformer.gpu..";
  private static final String[] JDK = {"java..", "org.jspecify.annotations"};
  private static final String VECTOR_API = "jdk.incubator.vector..";
  private static final String SIMD = "org.freetransformer.tensor.device.simd..";
  private static final Set<String> OTHER_SPECIES =
      Set.of("of", "ofLargestShape", "withShape", "ofPreferred");

  private static JavaClasses project;

  @BeforeAll
  static void readClasses() {
    project =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("org.freetransformer");
  }

  @Test
  void tensorNeedsOnlyTheJdk() {
    classes()
        .that()
        .resideInAPackage(TENSOR)
        .should()
        .onlyDependOnClassesThat(resideInAnyPackage(JDK).or(resideInAnyPackage(TENSOR, VECTOR_API)))
        .check(project);
  }

  @Test
  void layersNeedOnlyTensorsAndTheJdk() {
    classes()
        .that()
        .resideInAPackage(NN)
        .and()
        .doNotHaveFullyQualifiedName(COLLECTIVE_LOOPS)
        .should()
        .onlyDependOnClassesThat(resideInAnyPackage(JDK).or(resideInAnyPackage(NN, TENSOR)))
        .check(project);
    classes()
        .that()
        .haveFullyQualifiedName(COLLECTIVE_LOOPS)
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(JDK).or(resideInAnyPackage(NN, TENSOR, VECTOR_API)))
        .check(project);
  }

  @Test
  void theLibraryNeedsLayersAndToReadAndWriteJson() {
    var inside =
        resideInAnyPackage(JDK).or(resideInAnyPackage(NN, TENSOR)).or(resideInAnyPackage(LIBRARY));
    classes()
        .that()
        .resideInAnyPackage(LIBRARY)
        .and()
        .resideOutsideOfPackages(JSON)
        .should()
        .onlyDependOnClassesThat(inside)
        .check(project);
    classes()
        .that()
        .resideInAnyPackage(JSON)
        .should()
        .onlyDependOnClassesThat(inside.or(resideInAPackage("com.fasterxml.jackson.core..")))
        .check(project);
  }

  @Test
  void gpuKernelsNeedTensorsAndTornadoVmAndNothingNeedsThem() {
    classes()
        .that()
        .resideInAPackage(GPU)
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(JDK)
                .or(resideInAnyPackage(TENSOR, GPU, "uk.ac.manchester.tornado.api..")))
        .check(project);
    noClasses()
        .that()
        .resideOutsideOfPackage(GPU)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(GPU)
        .check(project);
  }

  @Test
  void everyPackageHasItsPlaceInTheHouse() {
    classes()
        .should(
            be(
                resideInAnyPackage(NN, TENSOR, GPU)
                    .or(resideInAnyPackage(LIBRARY))
                    .or(resideInAnyPackage(APP))))
        .check(project);
  }

  @Test
  void packagesOfTheLibraryNeedEachOtherOneWay() {
    slices()
        .matching("org.freetransformer.(*)..")
        .should()
        .beFreeOfCycles()
        .check(project.that(resideInAnyPackage(LIBRARY)));
  }

  @Test
  void onlyTheSimdDeviceAndCollectivesTouchTheVectorApi() {
    noClasses()
        .that()
        .resideOutsideOfPackage(SIMD)
        .and()
        .doNotHaveFullyQualifiedName(COLLECTIVE_LOOPS)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(VECTOR_API)
        .check(project);
  }

  /** A vector's store must be known to go off the heap, which {@code Lanes.offHeap} tells C2. */
  @Test
  void whoStoresVectorsAsksWhetherMemoryIsOffTheHeap() {
    classes()
        .that()
        .resideInAPackage(SIMD)
        .and(describe("store vectors", type -> calls(type, "intoMemorySegment")))
        .should(be(describe("asking Lanes.offHeap", type -> calls(type, "offHeap"))))
        .check(project);
  }

  private static boolean calls(JavaClass type, String method) {
    return type.getMethodCallsFromSelf().stream()
        .anyMatch(call -> call.getTarget().getName().equals(method));
  }

  /**
   * What the receivers of the Vector API's own methods are, HotSpot learns once for all callers: a
   * second size of a vector, anywhere, may turn vectors elsewhere into objects. Only {@code Halves}
   * and {@code WidenedLinear} need other than the preferred size, of types that nothing else uses.
   */
  @Test
  void vectorsOfOneTypeHaveOneSize() {
    noClasses()
        .that()
        .resideInAPackage(SIMD)
        .and()
        .doNotHaveSimpleName("Halves")
        .and()
        .doNotHaveSimpleName("WidenedLinear")
        .should()
        .accessFieldWhere(
            describe(
                "other species than the preferred ones",
                access ->
                    access.getTarget().getName().matches("SPECIES_(64|128|256|512|MAX)|S_.+_BIT")))
        .orShould()
        .callMethodWhere(
            describe(
                "makers of other species",
                call ->
                    call.getTargetOwner().getName().equals("jdk.incubator.vector.VectorSpecies")
                        && OTHER_SPECIES.contains(call.getTarget().getName())))
        .check(project);
  }

  @Test
  void devicesKnowBuffersAndValuesButNothingOfTensorsAndAutograd() {
    classes()
        .that()
        .resideInAPackage("org.freetransformer.tensor.device..")
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(JDK)
                .or(resideInAPackage(VECTOR_API))
                .or(resideInAPackage("org.freetransformer.tensor.device.."))
                .or(resideInAPackage("org.freetransformer.tensor.memory.."))
                .or(
                    describe(
                        "are values or arrays of them",
                        type -> VALUES.contains(type.getBaseComponentType().getName()))))
        .check(project);
  }

  @Test
  void layersAndModelsKnowNoParticularDevice() {
    noClasses()
        .that()
        .resideInAPackage(NN)
        .or()
        .resideInAnyPackage(LIBRARY)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.freetransformer.tensor.device.scalar..", SIMD)
        .check(project);
  }
}
