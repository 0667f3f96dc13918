package io.sluice.conformance;

import io.sluice.daemon.DriveOptions;
import io.sluice.daemon.Medium;
import io.sluice.daemon.ModelDaemon;
import io.sluice.daemon.ModelOptions;
import io.sluice.vfiouser.client.OpenClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * Rules of the NVM Express specification, revision 1.4, one test each, tried on a model behind a real socket. Section and figure
 * numbers are that revision's, unless another is named. A test reads as the rule does; the numbers in it are the specification's.
 *
 * <p>The drive has namespace 1 of 8192 blocks of 512 bytes, and namespace 2 of 512 blocks of 4096 bytes.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(120) // a hang, not a measure
abstract class Conformance {
    static final int BLOCKS = 8192;
    static final int BLOCK = 512;
    static final int BLOCKS_2 = 512;
    static final int PAGE = 4096;
    static final long DATA = Host.DATA;
    static final long LISTS = Host.LISTS;

    // Status code types and codes: figures 126 to 130.
    static final int GENERIC = 0;
    static final int SPECIFIC = 1;
    static final int MEDIA = 2;
    static final int INVALID_OPCODE = 0x01;
    static final int INVALID_FIELD = 0x02;
    static final int TRANSFER_ERROR = 0x04;
    static final int FAILED_FUSED = 0x09;
    static final int MISSING_FUSED = 0x0a;
    static final int INVALID_NAMESPACE = 0x0b;
    static final int SEQUENCE_ERROR = 0x0c;
    static final int PRP_OFFSET = 0x13;
    static final int LBA_OUT_OF_RANGE = 0x80;

    Host host;
    private ModelDaemon model;
    private Path folder;

    @BeforeAll
    void connect() throws IOException {
        folder = Files.createTempDirectory("sluice");
        DriveOptions drive = new DriveOptions(media(folder), "CONFORMANCE", 16);
        model = ModelDaemon.start(
                new ModelOptions(folder.resolve("s"), 0600, Optional.empty(), Optional.empty(), drive));
        host = new Host(OpenClient.connect(model.socket()), sharesMemory());
    }

    /** What the namespaces are in. */
    List<Medium> media(Path here) {
        return List.of(
                new Medium.Memory((long) BLOCKS * BLOCK, BLOCK), new Medium.Memory((long) BLOCKS_2 * PAGE, PAGE));
    }

    /** Whether the host shares all of its memory. */
    boolean sharesMemory() {
        return true;
    }

    @BeforeEach
    void renew() throws IOException {
        host.renew();
    }

    @AfterAll
    void disconnect() throws IOException {
        host.close();
        model.close();
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    // ---- commands that many rules need

    /** Identify into the page at {@link #DATA}, which is filled with A5h before. */
    Completion identify(int cns, int nsid) throws IOException {
        host.fill(DATA, PAGE, 0xa5);
        return host.admin(new Command(0x06).nsid(nsid).prp1(Host.gpa(DATA)).dw(10, cns));
    }

    static Command getLog(int page, int bytes) {
        return new Command(0x02).nsid(-1).prp1(Host.gpa(DATA)).dw(10, page | ((bytes / 4 - 1) << 16));
    }

    static Command setFeature(int feature, int value) {
        return new Command(0x09).dw(10, feature).dw(11, value);
    }

    static Command getFeature(int feature, int select) {
        return new Command(0x0a).dw(10, feature | select << 8);
    }

    /** The current value. */
    int feature(int feature) throws IOException {
        return host.admin(getFeature(feature, 0)).good().dw0();
    }

    static Command flush(int nsid) {
        return new Command(0x00).nsid(nsid);
    }

    static Command write(long slba, int count) {
        return transfer(0x01, slba, count);
    }

    static Command read(long slba, int count) {
        return transfer(0x02, slba, count);
    }

    /** Of namespace 1, with up to two pages of data at {@link #DATA}. */
    static Command transfer(int opcode, long slba, int count) {
        return new Command(opcode)
                .nsid(1)
                .prp1(Host.gpa(DATA))
                .prp2(Host.gpa(DATA + PAGE))
                .blocks(slba, count);
    }

    /** Writes blocks of namespace 1 full of a value. */
    void fillBlocks(long slba, int count, int value) throws IOException {
        host.fill(DATA, count * BLOCK, value);
        host.io(write(slba, count)).good();
    }

    /** Reads a block of namespace 1 and returns its bytes. */
    byte[] block(long slba) throws IOException {
        host.fill(DATA, BLOCK, 0xa5);
        host.io(read(slba, 1)).good();
        return host.bytes(DATA, BLOCK);
    }

    static byte[] filled(int bytes, int value) {
        byte[] all = new byte[bytes];
        Arrays.fill(all, (byte) value);
        return all;
    }
}
