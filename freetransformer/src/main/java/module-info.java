/** The Free Transformer: model, data, training, checkpoints, evaluation and generation. */
module org.freetransformer {
  requires transitive org.freetransformer.nn;
  requires com.fasterxml.jackson.core;
  requires static transitive org.jspecify;

  uses org.freetransformer.data.DocumentFormat;
  uses org.freetransformer.data.TokenizerFormat;

  exports org.freetransformer.checkpoint;
  exports org.freetransformer.config;
  exports org.freetransformer.data;
  exports org.freetransformer.eval;
  exports org.freetransformer.generate;
  exports org.freetransformer.model;
  exports org.freetransformer.train;
}
