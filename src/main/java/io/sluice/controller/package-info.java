/**
 * The one device-side NVMe controller. With an {@link io.sluice.controller.IoPath} over storage it is the software NVMe
 * model; over mediation it is a guest's virtual controller.
 *
 * <p>May import {@code nvme}, {@code device}, {@code dma}, {@code pci}, {@code mem}, {@code poll}, {@code count}, {@code state}. Start at
 * {@link io.sluice.controller.NvmeController} for the whole, {@code Lifecycle} for how it is switched on and off, {@link
 * io.sluice.controller.IoPath} for where commands go, and {@code IoQueues} for how they get there.
 */
package io.sluice.controller;
