/** Signatures of TornadoVM's package of this name; see the module. */
@NullMarked
package uk.ac.manchester.tornado.api.types.volumes;

import org.jspecify.annotations.NullMarked;
