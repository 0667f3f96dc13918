/**
 * The load generator: keeps the queues of any NVMe device busy, measures, and verifies data if asked.
 *
 * <p>May import {@code host}, {@code device}, {@code nvme}, {@code mem}. Start at {@link io.sluice.bench.Bench}; {@link io.sluice.bench.Job} is
 * where the work is done.
 */
package io.sluice.bench;
