/**
 * Signatures of the part of TornadoVM's API that gpu-kernels uses, so that it compiles and is
 * tested where TornadoVM is not installed. Never shipped: at run time the SDK's own module of this
 * name takes its place. A task's Java body runs here on the host, one work group after the other.
 */
module tornado.api {
  requires static org.jspecify;

  exports uk.ac.manchester.tornado.api;
  exports uk.ac.manchester.tornado.api.common;
  exports uk.ac.manchester.tornado.api.enums;
  exports uk.ac.manchester.tornado.api.exceptions;
  exports uk.ac.manchester.tornado.api.math;
  exports uk.ac.manchester.tornado.api.runtime;
  exports uk.ac.manchester.tornado.api.types;
  exports uk.ac.manchester.tornado.api.types.arrays;
  exports uk.ac.manchester.tornado.api.types.collections;
  exports uk.ac.manchester.tornado.api.types.vectors;
  exports uk.ac.manchester.tornado.api.types.volumes;
}
