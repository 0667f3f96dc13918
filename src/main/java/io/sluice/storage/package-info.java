/**
 * Where a software controller keeps its data: implementations of {@link io.sluice.controller.IoPath}.
 *
 * <p>May import {@code controller}, {@code nvme}, {@code mem}, {@code linux}, {@code uapi}, {@code poll}. Start at {@link
 * io.sluice.storage.MemoryStorage}, then {@link io.sluice.storage.FileStorage}, whose calls block and so have threads of their own.
 * {@link io.sluice.storage.FaultyStorage} makes any of them misbehave, for tests.
 */
package io.sluice.storage;
