package org.freetransformer.gpu;

/** What a program does next on the device: a kernel, or a call of a library. */
sealed interface Step permits KernelCall, CuBlasProduct {}
