/** The Free Transformer: model, data, training, checkpoints, evaluation and generation. */
module org.freetransformer {
  requires transitive org.freetransformer.nn;
  requires com.fasterxml.jackson.core;
  requires static org.jspecify;
}
