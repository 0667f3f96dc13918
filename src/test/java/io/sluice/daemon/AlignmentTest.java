package io.sluice.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sluice.controller.NamespaceTraits;
import io.sluice.host.IoHints;
import io.sluice.host.NamespaceInfo;
import io.sluice.nvme.CopyLimits;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What slices begin and end on multiples of. */
class AlignmentTest {
    private static final long MIB = 1 << 20;

    private static NamespaceInfo namespace(
            int boundary, int granularity, int alignment, int deallocation, int optimal) {
        IoHints hints = new IoHints(
                boundary, granularity, alignment, deallocation, deallocation, optimal, 1, 0, 0, CopyLimits.NONE);
        return new NamespaceInfo(
                1,
                1 << 20,
                1 << 20,
                0,
                0,
                List.of(new NamespaceInfo.LbaFormat(4096, 0, 0)),
                false,
                false,
                false,
                "",
                "",
                "",
                hints,
                "");
    }

    @Test
    void shouldBeAMebibyteWhereAllElseDividesIt() {
        assertEquals(MIB, Alignment.of(namespace(0, 0, 0, 0, 0)).bytes());
        assertEquals(MIB, Alignment.of(namespace(32, 4, 8, 16, 64)).bytes());
    }

    @Test
    void shouldBeAMultipleOfEachHintWhenTheyDoNotDivideOneAnother() {
        assertEquals(3 * MIB, Alignment.of(namespace(3 * 128, 2, 2, 0, 0)).bytes()); // 1.5 MiB
        assertEquals(
                15 * MIB, Alignment.of(namespace(3 * 128, 2, 5 * 256, 0, 0)).bytes());
        assertEquals(7 * MIB, Alignment.of(namespace(0, 2, 2, 2, 7)).bytes());
        NamespaceTraits traits = Alignment.of(namespace(3 * 128, 2, 4, 8, 16))
                .traits(namespace(384, 2, 4, 8, 16).hints());
        assertEquals(new NamespaceTraits(1, 384, 2, 4, 8, 8, 16, CopyLimits.NONE), traits);
    }

    @Test
    void shouldTellNoHintsWhenTheyMakeNoSenseTogether() {
        NamespaceInfo odd = namespace(65_535, 65_521, 65_519, 65_536, 65_535);
        assertEquals(MIB, Alignment.of(odd).bytes());
        assertEquals(
                new NamespaceTraits(1, 0, 0, 0, 0, 0, 0, CopyLimits.NONE),
                Alignment.of(odd).traits(odd.hints()));
    }
}
