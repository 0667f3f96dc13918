/**
 * State that outlives its process: a file in memory with a fixed layout, stored to in an order from which it can be understood
 * after any of the stores was the last.
 *
 * <pre>
 *   slow part: a snapshot of everything, in two copies, of which one store says which is good
 *   fast part: single words, each stored by itself; what they mean together is their owner's matter
 * </pre>
 *
 * <p>May import {@code linux}, {@code mem}. Start at {@link io.sluice.state.StateFile}.
 */
package io.sluice.state;
