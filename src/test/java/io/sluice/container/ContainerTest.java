package io.sluice.container;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.dma.IovaAllocator;
import io.sluice.host.DmaArea;
import io.sluice.host.DriverOptions;
import io.sluice.host.NvmeDriver;
import io.sluice.host.QueuePair;
import io.sluice.mem.Memory;
import io.sluice.nvme.Status;
import io.sluice.vfiouser.client.VfioUserClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.containers.BindMode;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/** A model in a container, and a client outside: all that they share is a folder. */
@Tag("container")
@Timeout(600) // a hang, not a measure
class ContainerTest {
    private static final String IMAGE = "sluice-container-test";
    private static final int BLOCK = 512;
    private static final int BLOCKS = 2048;
    private static final int BYTES = 64 << 10;
    private static final String SHARED = "/shared";

    @TempDir
    private static Path files;

    private static boolean made;

    @TempDir
    private Path shared;

    @BeforeAll
    static void makeImage() throws Exception {
        assumeTrue(
                System.getenv("SLUICE_DOCKER") != null,
                "SLUICE_DOCKER is not set: scripts/test starts a Docker engine");
        ModelImage.make(IMAGE, files);
        made = true;
    }

    @AfterAll
    static void removeImage() throws Exception {
        if (made) {
            ModelImage.remove(IMAGE);
        }
    }

    /** Without a network, and without rights beyond those that every container has. */
    private GenericContainer<?> model(String... medium) {
        String[] command = new String[medium.length + 8];
        String[] java = {
            ModelImage.JAVA,
            "--enable-native-access=ALL-UNNAMED",
            "-Xmx128m",
            "-jar",
            ModelImage.JAR,
            "model",
            "--socket",
            SHARED + "/nvme.sock"
        };
        System.arraycopy(java, 0, command, 0, java.length);
        System.arraycopy(medium, 0, command, java.length, medium.length);
        return new GenericContainer<>(DockerImageName.parse(IMAGE))
                .withImagePullPolicy(image -> false)
                .withNetworkMode("none")
                .withFileSystemBind(shared.toString(), SHARED, BindMode.READ_WRITE)
                .withCommand(command)
                .waitingFor(Wait.forLogMessage(".*-device .*vfio-user-pci.*\\n", 1)
                        .withStartupTimeout(Duration.ofMinutes(2)));
    }

    @Test
    void shouldServeAClientOutside() throws Exception {
        try (GenericContainer<?> model = model("--memory", "1M")) {
            model.start();
            try (Client client = new Client(shared.resolve("nvme.sock"))) {
                client.fill(1);
                client.verify(1);
            }
            try (Client next = new Client(shared.resolve("nvme.sock"))) {
                next.verify(1);
            }
        }
    }

    @Test
    void shouldHoldInAFileWhatWasFlushedBeforeItsContainerWasKilled() throws Exception {
        String[] medium = {"--file", SHARED + "/disk.img", "--size", "1M"};
        try (GenericContainer<?> model = model(medium)) {
            model.start();
            try (Client client = new Client(shared.resolve("nvme.sock"))) {
                client.fill(2);
                model.getDockerClient().killContainerCmd(model.getContainerId()).exec();
            }
        }
        assertEquals(1 << 20, Files.size(shared.resolve("disk.img")));
        try (GenericContainer<?> model = model(medium)) {
            model.start();
            try (Client client = new Client(shared.resolve("nvme.sock"))) {
                client.verify(2);
            }
        }
    }

    /** A driver on the socket, which does one thing after the other. */
    private static final class Client implements AutoCloseable {
        private final VfioUserClient device;
        private final NvmeDriver driver;
        private final DmaArea data;
        private final QueuePair pair;
        private boolean ended;

        Client(Path socket) throws IOException {
            device = VfioUserClient.connect(socket);
            IovaAllocator iovas = new IovaAllocator(List.of(new IovaAllocator.Range(0, 0xffff_ffff_ffffL)));
            driver = NvmeDriver.start(device, iovas, DriverOptions.polled(1, 16));
            data = driver.allocate("data", BYTES);
            pair = driver.queuePairs().getFirst();
        }

        private static byte[] content(int seed, int slba) {
            byte[] bytes = new byte[BYTES];
            new Random(seed * 100_003L + slba).nextBytes(bytes);
            return bytes;
        }

        /** Writes all blocks, and flushes. */
        void fill(int seed) throws IOException {
            for (int slba = 0; slba < BLOCKS; slba += BYTES / BLOCK) {
                Memory.copyIn(content(seed, slba), 0, data.address(), BYTES);
                await(pair.write(1, slba, BYTES / BLOCK, data.iova(), BYTES, 0));
            }
            await(pair.flush(1, 0));
        }

        void verify(int seed) throws IOException {
            byte[] found = new byte[BYTES];
            for (int slba = 0; slba < BLOCKS; slba += BYTES / BLOCK) {
                await(pair.read(1, slba, BYTES / BLOCK, data.iova(), BYTES, 0));
                Memory.copyOut(data.address(), found, 0, BYTES);
                assertArrayEquals(content(seed, slba), found, "from block " + slba + " on");
            }
        }

        private void await(boolean submitted) throws IOException {
            assertTrue(submitted);
            pair.ring();
            ended = false;
            while (!ended) {
                pair.poll(this::end, 1);
                LockSupport.parkNanos(10_000);
            }
        }

        private void end(long token, int status, int dw0) {
            assertEquals(Status.OK, status, () -> Status.describe(status));
            ended = true;
        }

        @Override
        public void close() {
            data.close();
            driver.close();
            device.close();
        }
    }
}
