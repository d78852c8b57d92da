/** The command line, and everything that needs third-party libraries. */
module org.freetransformer.app {
  requires org.freetransformer;
  requires ai.djl.api;
  requires ai.djl.tokenizers;
  requires com.fasterxml.jackson.databind;
  requires com.google.protobuf;
  requires com.github.luben.zstd_jni;
  requires dev.hardwood.core;
  requires info.picocli;
  requires java.desktop;
  requires java.logging;
  requires jtokkit;
  requires jdk.httpserver;
  requires jdk.management;
  requires org.knowm.xchart;
  requires org.snakeyaml.engine;
  requires me.tongfei.progressbar;
  requires static org.jspecify;

  uses org.freetransformer.cli.Benchmarks;

  provides org.freetransformer.data.DocumentFormat with
      org.freetransformer.corpus.DataFiles;
  provides org.freetransformer.data.TokenizerFormat with
      org.freetransformer.tokenizers.TokenizerLibraries;

  exports org.xerial.snappy to
      dev.hardwood.core;

  opens org.freetransformer.cli to
      info.picocli;
}
