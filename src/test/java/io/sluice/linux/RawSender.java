package io.sluice.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A peer without our limits: one byte with any number of copies of a descriptor, up to the kernel's 253. */
final class RawSender {
    private RawSender() {}

    static void send(Fd socket, Fd each, int copies) {
        try (Arena arena = Arena.ofConfined()) {
            long controlBytes = 16 + (copies * 4L + 7) / 8 * 8;
            MemorySegment control = arena.allocate(controlBytes, 8);
            control.set(ValueLayout.JAVA_LONG, 0, 16 + copies * 4L);
            control.set(ValueLayout.JAVA_INT, 8, 1);
            control.set(ValueLayout.JAVA_INT, 12, 1);
            for (int i = 0; i < copies; i++) {
                control.set(ValueLayout.JAVA_INT, 16 + i * 4L, each.number());
            }
            MemorySegment data = arena.allocate(1);
            MemorySegment iovec = arena.allocate(16, 8);
            iovec.set(ValueLayout.JAVA_LONG, 0, data.address());
            iovec.set(ValueLayout.JAVA_LONG, 8, 1);
            MemorySegment message = arena.allocate(56, 8);
            message.set(ValueLayout.JAVA_LONG, 16, iovec.address());
            message.set(ValueLayout.JAVA_LONG, 24, 1);
            message.set(ValueLayout.JAVA_LONG, 32, control.address());
            message.set(ValueLayout.JAVA_LONG, 40, controlBytes);
            long sent = Syscalls.sendmsg(socket.number(), message.address(), 0);
            if (sent != 1) {
                throw new AssertionError("sendmsg said " + sent);
            }
        }
    }
}
