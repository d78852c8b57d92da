/** The engine's instructions on the devices of TornadoVM. */
module org.freetransformer.gpu {
  requires org.freetransformer.tensor;
  requires static org.jspecify;
  requires static tornado.api;

  provides org.freetransformer.tensor.device.DeviceProvider with
      org.freetransformer.gpu.TornadoVmDevices;
}
