package org.freetransformer.data;

/** The two parts of a dataset; no example is in both. */
public enum Split {
  /** What the weights are fitted to. */
  TRAIN,
  /** What is only measured. */
  VALIDATION
}
