package io.sluice.hostpci;

import java.util.Comparator;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a PCI function is, in Linux's notation {@code 0000:01:00.0}.
 *
 * @param domain the PCI segment; more than 16 bits where Linux made it up (VMD: 10000 and on), unsigned
 * @param bus 0 to 255
 * @param device 0 to 31
 * @param function 0 to 7
 */
public record PciAddress(int domain, int bus, int device, int function) implements Comparable<PciAddress> {
    private static final int MAX_BUS = 0xff;
    private static final int MAX_DEVICE = 0x1f;
    private static final int MAX_FUNCTION = 7;
    private static final int HEX = 16;

    private static final Pattern TEXT = Pattern.compile(
            "(?:(\\p{XDigit}{4,8}):)?(\\p{XDigit}{2}):([01]\\p{XDigit})\\.([0-7])", Pattern.CASE_INSENSITIVE);

    private static final Comparator<PciAddress> ORDER = Comparator.<PciAddress, Long>comparing(
                    address -> Integer.toUnsignedLong(address.domain))
            .thenComparingInt(PciAddress::bus)
            .thenComparingInt(PciAddress::device)
            .thenComparingInt(PciAddress::function);

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException if one is out of its range
     */
    public PciAddress {
        check("bus", bus, MAX_BUS);
        check("device", device, MAX_DEVICE);
        check("function", function, MAX_FUNCTION);
    }

    private static void check(String what, int value, int max) {
        if (value < 0 || value > max) {
            throw new IllegalArgumentException("a PCI " + what + " is 0 to " + max + ", not " + value);
        }
    }

    /**
     * Reads {@code 0000:01:00.0}, or {@code 01:00.0} for domain 0, in upper or lower case.
     *
     * @throws IllegalArgumentException saying what was given and what would be right
     */
    public static PciAddress parse(String text) {
        Matcher matcher = TEXT.matcher(text.strip());
        if (!matcher.matches()) {
            throw new IllegalArgumentException("\"" + text
                    + "\" is not a PCI address; write it as \"sluice list\" shows it: 0000:01:00.0, or 01:00.0");
        }
        String domain = matcher.group(1);
        return new PciAddress(
                domain == null ? 0 : Integer.parseUnsignedInt(domain, HEX),
                Integer.parseInt(matcher.group(2), HEX),
                Integer.parseInt(matcher.group(3), HEX),
                Integer.parseInt(matcher.group(4), HEX));
    }

    @Override
    public int compareTo(PciAddress other) {
        return ORDER.compare(this, other);
    }

    /** As Linux writes it, and names its folders. */
    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%04x:%02x:%02x.%x", domain, bus, device, function);
    }
}
