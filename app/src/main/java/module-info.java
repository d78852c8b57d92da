/** The command line, and everything that needs third-party libraries. */
module org.freetransformer.app {
  requires org.freetransformer;
  requires com.fasterxml.jackson.databind;
  requires com.google.protobuf;
  requires info.picocli;
  requires java.desktop;
  requires jdk.management;
  requires org.knowm.xchart;
  requires org.snakeyaml.engine;
  requires me.tongfei.progressbar;
  requires static org.jspecify;

  uses org.freetransformer.cli.Benchmarks;
  uses org.freetransformer.tensor.device.DeviceProvider;

  opens org.freetransformer.cli to
      info.picocli;
}
