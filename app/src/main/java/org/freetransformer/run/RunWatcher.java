package org.freetransformer.run;

import org.freetransformer.train.TrainingListener;

/** Shows how the training of a model goes, until it is closed. */
public interface RunWatcher extends TrainingListener, AutoCloseable {
  @Override
  void close();
}
