package uk.ac.manchester.tornado.api.runtime;

import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;

/** Finds what is installed. */
public class TornadoRuntimeProvider {
  private TornadoRuntimeProvider() {}

  /** Signatures have no backend. */
  public static TornadoRuntime getTornadoRuntime() {
    return new TornadoRuntime() {
      @Override
      public int getNumBackends() {
        return 0;
      }

      @Override
      public TornadoBackend getBackend(int index) {
        throw new IllegalArgumentException("these are TornadoVM's signatures only");
      }
    };
  }
}
