package uk.ac.manchester.tornado.api;

/** What is installed. */
public interface TornadoRuntime {
  /** Number of backends. */
  int getNumBackends();

  /** A backend. */
  TornadoBackend getBackend(int index);
}
