package org.freetransformer.server;

import java.io.IOException;
import org.freetransformer.config.ConfigException;

/** What answers the requests for one path. Called by any number of threads at once. */
@FunctionalInterface
interface Endpoint {
  /**
   * Answers a request.
   *
   * @throws HttpError if the answer is an error, and none has begun
   * @throws ConfigException if the request's body is bad
   * @throws IOException if the client is gone
   */
  void answer(Call call) throws IOException;
}
