/**
 * The kernel's binary interfaces as data: request numbers, flags, and the offsets and sizes of structs. No code.
 *
 * <p>Everything here is listed in native-headers/ too, in terms of the system's own kernel headers, and a test that
 * compiles a small C program makes sure that both say the same, none more than the other.
 *
 * <p>May import: nothing.
 *
 * <p>Start reading at {@link io.sluice.uapi.Vfio}.
 */
package io.sluice.uapi;
