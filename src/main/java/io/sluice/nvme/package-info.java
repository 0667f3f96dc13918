/**
 * The NVMe specification as data, at the level of NVM Express 1.4: registers, queue entries, Identify and log pages,
 * features, status values, the arithmetic of rings, and the walk along PRPs over a Translator.
 *
 * <p>Nothing here has a state of its own or talks to anything; both the controller and the driver are built from it. It
 * imports io.sluice.mem only. Structures in memory are decoded in place, from a raw address, by static methods. Whoever
 * decodes something that a guest can rewrite copies it first, once, and decodes the copy.
 *
 * <p>Start with {@link io.sluice.nvme.Sqe}, {@link io.sluice.nvme.Cqe} and {@link io.sluice.nvme.Status}, then
 * {@link io.sluice.nvme.Registers} and {@link io.sluice.nvme.Field}, by which the larger pages are described.
 */
package io.sluice.nvme;
