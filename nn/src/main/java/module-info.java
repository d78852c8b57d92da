/** Layers and optimizers on tensors. */
module org.freetransformer.nn {
  requires jdk.incubator.vector;
  requires transitive org.freetransformer.tensor;
  requires static transitive org.jspecify;

  exports org.freetransformer.nn;
  exports org.freetransformer.nn.optim;
  exports org.freetransformer.nn.sharding;
}
