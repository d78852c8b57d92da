/** Off-heap tensors with automatic differentiation, computed by interchangeable devices. */
module org.freetransformer.tensor {
  requires jdk.incubator.vector;
  requires static transitive org.jspecify;

  uses org.freetransformer.tensor.device.DeviceProvider;

  exports org.freetransformer.tensor;
  exports org.freetransformer.tensor.autograd;
  exports org.freetransformer.tensor.device;
  exports org.freetransformer.tensor.memory;
  exports org.freetransformer.tensor.ops;
}
