/**
 * Ordered loads and stores on raw addresses, and the {@link io.sluice.mem.Translator} that makes such addresses out of
 * guest addresses.
 *
 * <p>May import {@code linux}. Start at {@link io.sluice.mem.Memory}.
 */
package io.sluice.mem;
