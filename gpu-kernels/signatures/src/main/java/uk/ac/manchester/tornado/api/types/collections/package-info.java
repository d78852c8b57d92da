/** Signatures of TornadoVM's package of this name; see the module. */
@NullMarked
package uk.ac.manchester.tornado.api.types.collections;

import org.jspecify.annotations.NullMarked;
