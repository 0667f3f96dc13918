/**
 * The fence around native code: the only room that calls Linux, and the only one that may use restricted methods.
 *
 * <p>Every system call has one method in {@code Syscalls}, all of them over one downcall. Above it stand small owners: a
 * descriptor is an {@link io.sluice.linux.Fd}, a mapping a {@link io.sluice.linux.Mapping}, and each is closed exactly
 * once. What fails says which call, on what, and why: {@link io.sluice.linux.LinuxException}. Descriptors are close-on-exec
 * without exception.
 *
 * <p>May import: jnr-posix, and that in {@link io.sluice.linux.Posix} only, because it takes long to load.
 *
 * <p>Start reading at {@link io.sluice.linux.Fd}, then {@link io.sluice.linux.Mapping} and
 * {@link io.sluice.linux.UnixConnection}.
 */
package io.sluice.linux;
