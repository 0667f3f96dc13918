package io.sluice.vfiouser;

/** What a message asks for (vfio-user, "Commands"; 14 is only in libvfio-user's header, from before 0.1). */
public enum Command {
    VERSION(1),
    DMA_MAP(2),
    DMA_UNMAP(3),
    DEVICE_GET_INFO(4),
    DEVICE_GET_REGION_INFO(5),
    DEVICE_GET_REGION_IO_FDS(6),
    DEVICE_GET_IRQ_INFO(7),
    DEVICE_SET_IRQS(8),
    REGION_READ(9),
    REGION_WRITE(10),
    /** Server to client. */
    DMA_READ(11),
    /** Server to client. */
    DMA_WRITE(12),
    DEVICE_RESET(13),
    DIRTY_PAGES(14),
    REGION_WRITE_MULTI(15),
    DEVICE_FEATURE(16),
    MIG_DATA_READ(17),
    MIG_DATA_WRITE(18);

    private static final Command[] BY_CODE = new Command[19];

    static {
        for (Command command : values()) {
            BY_CODE[command.code] = command;
        }
    }

    private final int code;

    Command(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The command with this number, or null if there is none. */
    public static Command ofCode(int code) {
        return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
    }

    /** A name for logs and messages, for any number: {@code DMA_MAP}, {@code command 99}. */
    public static String describe(int code) {
        Command command = ofCode(code);
        return command == null ? "command " + code : command.name();
    }
}
