package io.sluice.pci;

/** Reads a function's configuration space, wherever it is. */
@FunctionalInterface
public interface ConfigReader {
    /**
     * Reads a little-endian value.
     *
     * @param offset 0 to 4095
     * @param bytes 1, 2 or 4
     * @return the value; of 1 and 2 bytes unsigned
     */
    int read(int offset, int bytes);
}
