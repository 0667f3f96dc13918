package io.sluice.vfio;

import io.sluice.linux.Fd;
import io.sluice.linux.FileIo;
import io.sluice.linux.Ioctl;
import io.sluice.linux.LinuxException;
import io.sluice.linux.Mapping;
import java.nio.file.Path;

/** The system calls that this room makes: the seam at which a test stands in for the kernel, and records their order. */
interface Kernel {
    /** The real one. */
    Kernel SYSTEM = new Kernel() {
        @Override
        public Fd open(Path path) throws LinuxException {
            return FileIo.open(path, FileIo.O_RDWR);
        }

        @Override
        public int ioctl(Fd fd, String name, long request, long argument) throws LinuxException {
            return Ioctl.call(fd, name, request, argument);
        }

        @Override
        public Mapping map(Fd fd, long offset, long length, int protection) throws LinuxException {
            return Mapping.shared(fd, offset, length, protection);
        }

        @Override
        public void unmap(Mapping mapping) {
            mapping.close();
        }

        @Override
        public long pread(Fd fd, long address, long bytes, long offset) throws LinuxException {
            return FileIo.pread(fd, address, bytes, offset);
        }

        @Override
        public long pwrite(Fd fd, long address, long bytes, long offset) throws LinuxException {
            return FileIo.pwrite(fd, address, bytes, offset);
        }

        @Override
        public void close(Fd fd) {
            fd.close();
        }

        @Override
        public LockedMemory lockedMemory() {
            return LockedMemory.ofThisProcess();
        }
    };

    /** Opens for reading and writing. */
    Fd open(Path path) throws LinuxException;

    /**
     * One ioctl.
     *
     * @param argument a number, or the address of a struct
     * @return what the kernel returns, 0 or more
     */
    int ioctl(Fd fd, String name, long request, long argument) throws LinuxException;

    /** Maps shared. */
    Mapping map(Fd fd, long offset, long length, int protection) throws LinuxException;

    void unmap(Mapping mapping);

    long pread(Fd fd, long address, long bytes, long offset) throws LinuxException;

    long pwrite(Fd fd, long address, long bytes, long offset) throws LinuxException;

    void close(Fd fd);

    /** How much memory this process may lock. */
    LockedMemory lockedMemory();
}
