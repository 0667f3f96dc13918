package io.sluice.cli;

import io.sluice.hostpci.HostController;
import io.sluice.hostpci.Inventory;
import io.sluice.hostpci.Use;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The host's controllers as a table, within 100 columns: the model is cut first, then the uses; addresses and serial numbers
 * never are. Each further use has a line of its own.
 */
final class InventoryText {
    private static final int MAX_COLUMNS = 100;
    private static final int MIN_MODEL = 12;
    private static final int MIN_USES = 24;
    private static final int MODEL = 1;
    private static final String GAP = "  ";
    private static final String CUT = "..";
    private static final String UNKNOWN = "-";
    private static final List<String> HEADER =
            List.of("ADDRESS", "MODEL", "SERIAL", "SIZE", "DRIVER", "GROUP", "NUMA", "USED BY");

    private final List<List<String>> rows = new ArrayList<>();

    private InventoryText() {
        rows.add(HEADER);
    }

    static String of(Inventory inventory) {
        if (inventory.controllers().isEmpty()) {
            return "There is no NVMe controller on this host.\n";
        }
        InventoryText table = new InventoryText();
        inventory.controllers().forEach(table::add);
        return table.text();
    }

    private void add(HostController controller) {
        List<Use> uses = controller.uses();
        String ids = String.format(Locale.ROOT, "- (%04x:%04x)", controller.vendorId(), controller.deviceId());
        rows.add(List.of(
                controller.address().toString(),
                controller.model().orElse(ids),
                known(controller.serial()),
                controller.bytes().isPresent()
                        ? ByteSize.text(controller.bytes().getAsLong())
                        : UNKNOWN,
                known(controller.driver()),
                known(controller.iommuGroup()),
                known(controller.numaNode()),
                uses.isEmpty() ? UNKNOWN : brief(uses.getFirst())));
        uses.stream().skip(1).forEach(use -> rows.add(List.of("", "", "", "", "", "", "", brief(use))));
    }

    private static String brief(Use use) {
        return use.device() + ": " + use.by();
    }

    private static String known(Optional<String> text) {
        return text.filter(known -> !known.isEmpty()).orElse(UNKNOWN);
    }

    private static String known(OptionalInt number) {
        return number.isPresent() ? String.valueOf(number.getAsInt()) : UNKNOWN;
    }

    private String text() {
        int[] widths = widths();
        StringBuilder text = new StringBuilder();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < widths.length; i++) {
                String cell = cut(row.get(i), widths[i]);
                line.append(cell).append(" ".repeat(widths[i] - cell.length())).append(GAP);
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    /** What each column needs, less what is too much. */
    private int[] widths() {
        int[] widths = new int[HEADER.size()];
        for (List<String> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        int last = widths.length - 1;
        int surplus = Arrays.stream(widths).map(width -> width + GAP.length()).sum() - GAP.length() - MAX_COLUMNS;
        surplus = shrink(widths, last, MIN_USES, surplus);
        surplus = shrink(widths, MODEL, MIN_MODEL, surplus);
        shrink(widths, last, HEADER.get(last).length(), surplus);
        return widths;
    }

    /** Narrows a column, but not below its least width, and returns what is still too much. */
    private static int shrink(int[] widths, int column, int least, int surplus) {
        int cut = Math.max(0, Math.min(surplus, widths[column] - least));
        widths[column] -= cut;
        return surplus - cut;
    }

    private static String cut(String text, int width) {
        return text.length() <= width ? text : text.substring(0, width - CUT.length()) + CUT;
    }
}
