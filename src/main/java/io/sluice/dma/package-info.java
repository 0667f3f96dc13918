/**
 * Guest memory: backings (each file mapped once), DMA regions (guest range to backing, offset and access), epochs and
 * quotas.
 *
 * <p>May import {@code linux} and {@code mem}. Start at {@link io.sluice.dma.GuestMemory}, the view that a function has; then
 * {@link io.sluice.dma.DmaSpace}, where it is changed, and {@code HostView}, how addresses are translated.
 */
package io.sluice.dma;
