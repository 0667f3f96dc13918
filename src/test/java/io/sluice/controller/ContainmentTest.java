package io.sluice.controller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sluice.device.AccessRefused;
import io.sluice.device.Region;
import io.sluice.dma.DmaReader;
import io.sluice.dma.Epoch;
import io.sluice.dma.GuestMemory;
import io.sluice.linux.Fd;
import io.sluice.linux.FileStatus;
import io.sluice.linux.Mapping;
import io.sluice.linux.Memfd;
import io.sluice.mem.Memory;
import io.sluice.mem.Translator;
import io.sluice.nvme.Aqa;
import io.sluice.nvme.Csts;
import io.sluice.nvme.Doorbells;
import io.sluice.nvme.Registers;
import io.sluice.pci.PciHeader;
import io.sluice.poll.AgentRunner;
import io.sluice.poll.BackoffIdle;
import io.sluice.poll.CommandQueue;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** A guest that cuts the file of its memory short under a controller that runs on a thread of its own. */
class ContainmentTest {
    private static final int RAM_BYTES = 1 << 20;
    private static final long MAX_WAIT_NANOS = 20_000_000_000L;

    @Test
    void shouldFailOnlyTheControllerWhoseMemoryIsCutShortAndServeItsNextClient() throws Exception {
        AtomicReference<AgentRunner> runner = new AtomicReference<>();
        CommandQueue commands = CommandQueue.to(() -> runner.get().wake());
        try (FileMemory bad = new FileMemory();
                FileMemory good = new FileMemory();
                NvmeController controller = new NvmeController(
                        ControllerConfig.of("cut", "SN1"),
                        new ManualPath(),
                        commands,
                        () -> runner.get().wake(),
                        System::nanoTime);
                AgentRunner running = new AgentRunner(controller, BackoffIdle.standard(), () -> {})) {
            runner.set(running);
            running.start();
            controller.attach(bad);
            enable(controller);
            Memfd.resize(bad.file, 0);
            write(controller, Doorbells.sqTailDoorbell(0), 4, 1);
            awaitCsts(controller, csts -> Csts.fatal(csts));

            controller.detach();
            controller.attach(good);
            enable(controller);
            assertEquals(1, csts(controller), "ready, not fatal");
            controller.detach();
        }
    }

    private static void enable(NvmeController controller) throws AccessRefused {
        controller.write(Region.CONFIG, PciHeader.COMMAND, new byte[] {PciHeader.COMMAND_BUS_MASTER, 0});
        write(controller, Registers.AQA.offset(), 4, Aqa.of(16, 16));
        write(controller, Registers.ASQ.offset(), 8, 0x1000);
        write(controller, Registers.ACQ.offset(), 8, 0x2000);
        write(controller, Registers.CC.offset(), 4, ControllerRig.cc(true));
        assertTrue(Csts.ready(csts(controller)));
    }

    private interface Wanted {
        boolean is(int csts);
    }

    private static void awaitCsts(NvmeController controller, Wanted wanted) throws AccessRefused {
        long start = System.nanoTime();
        while (!wanted.is(csts(controller))) {
            assertTrue(System.nanoTime() - start < MAX_WAIT_NANOS, "CSTS stays " + csts(controller));
            LockSupport.parkNanos(1_000_000);
        }
    }

    private static int csts(NvmeController controller) throws AccessRefused {
        byte[] value = new byte[4];
        controller.read(Region.BAR0, Registers.CSTS.offset(), value);
        return (int) LittleEndian.get(value);
    }

    private static void write(NvmeController controller, long offset, int bytes, long value) throws AccessRefused {
        byte[] source = new byte[bytes];
        LittleEndian.put(value, source);
        controller.write(Region.BAR0, offset, source);
    }

    /** Guest memory that is one file, mapped whole from guest address 0. */
    private static final class FileMemory implements GuestMemory, AutoCloseable {
        private final Epoch epoch = new Epoch();
        private final Fd file;
        private final Mapping mapping;

        FileMemory() throws IOException {
            file = Memfd.create("guest", RAM_BYTES);
            mapping = Mapping.shared(file, 0, RAM_BYTES, Mapping.PROT_READ | Mapping.PROT_WRITE);
            Memory.fill(mapping.address(), RAM_BYTES, (byte) 0);
        }

        @Override
        public Translator hostView() {
            return (gpa, bytes, access) ->
                    gpa >= 0 && gpa <= RAM_BYTES - bytes ? mapping.address() + gpa : Translator.NOT_MAPPED;
        }

        @Override
        public DmaReader register(String name, Runnable wake) {
            return new DmaReader(epoch, name, wake);
        }

        @Override
        public boolean damaged() {
            try {
                return FileStatus.of(file).size() < RAM_BYTES;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void close() {
            mapping.close();
            file.close();
        }
    }
}
