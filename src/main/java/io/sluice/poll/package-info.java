/**
 * Busy polling: agents, the threads that run them, how they idle, and how other threads ask something of them.
 *
 * <p>May import {@code linux}, {@code mem}, {@code count}. Start at {@link io.sluice.poll.Agent}.
 */
package io.sluice.poll;
