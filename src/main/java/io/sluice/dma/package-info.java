/**
 * Guest memory: backings (each file mapped once), DMA regions (guest range to backing, offset and access), pins (what a device
 * behind a guest reaches), epochs and quotas.
 *
 * <p>May import {@code linux} and {@code mem}. Start at {@link io.sluice.dma.GuestMemory}, the view that a function has; then
 * {@link io.sluice.dma.DmaSpace}, where it is changed, {@code RegionView}, how addresses are translated, and {@code Pins}, the
 * device's side.
 */
package io.sluice.dma;
