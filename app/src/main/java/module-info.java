/** The command line. */
module org.freetransformer.app {
  requires org.freetransformer;
  requires info.picocli;
  requires static org.jspecify;

  opens org.freetransformer.cli to
      info.picocli;
}
