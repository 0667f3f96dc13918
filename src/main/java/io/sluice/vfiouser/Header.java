package io.sluice.vfiouser;

import java.nio.ByteBuffer;

/**
 * The 16 bytes that begin each message (vfio-user, "Header").
 *
 * @param id chosen by the sender of a command and repeated in its reply; need not be unique
 * @param command {@link Command#code}, or a number that no command has
 * @param messageBytes the whole message's size in bytes, this header included; an unsigned 32-bit number
 * @param flags type in bits 3:0, {@link #NO_REPLY}, {@link #ERROR}
 * @param errno in a reply with {@link #ERROR}: a Linux errno, or 0 for a failure without a reason
 */
public record Header(int id, int command, long messageBytes, int flags, int errno) {
    /** Size of a header in bytes. */
    public static final int BYTES = 16;

    /** Header, flags, bits 3:0 Type: a command. */
    public static final int TYPE_COMMAND = 0x0;

    /** Header, flags, bits 3:0 Type: a reply. */
    public static final int TYPE_REPLY = 0x1;

    /** Header, flags, bit 4 No_reply: the sender of this command wants no reply. */
    public static final int NO_REPLY = 0x10;

    /** Header, flags, bit 5 Error: this reply says that the command failed. */
    public static final int ERROR = 0x20;

    private static final int TYPE_MASK = 0xf;

    /** The header of a command that wants a reply. */
    public static Header command(int id, Command command, int bodyBytes) {
        return new Header(id, command.code(), (long) BYTES + bodyBytes, TYPE_COMMAND, 0);
    }

    /** The header of a command that wants no reply. */
    public static Header posted(int id, Command command, int bodyBytes) {
        return new Header(id, command.code(), (long) BYTES + bodyBytes, TYPE_COMMAND | NO_REPLY, 0);
    }

    /** The header of this command's reply. */
    public Header reply(int bodyBytes) {
        return new Header(id, command, (long) BYTES + bodyBytes, TYPE_REPLY, 0);
    }

    /** This command's reply when it failed: a header only. */
    public Header errorReply(int why) {
        return new Header(id, command, BYTES, TYPE_REPLY | ERROR, why);
    }

    public int type() {
        return flags & TYPE_MASK;
    }

    public boolean isCommand() {
        return type() == TYPE_COMMAND;
    }

    public boolean isReply() {
        return type() == TYPE_REPLY;
    }

    /** Whether the sender of a command waits for a reply. */
    public boolean wantsReply() {
        return (flags & NO_REPLY) == 0;
    }

    public boolean isError() {
        return (flags & ERROR) != 0;
    }

    /** Size of what follows the header, in bytes; negative where {@link #messageBytes} is less than a header. */
    public long bodyBytes() {
        return messageBytes - BYTES;
    }

    /** Reads a header at the buffer's position. */
    public static Header decode(ByteBuffer in) {
        Wire.littleEndian(in);
        return new Header(
                Short.toUnsignedInt(in.getShort()),
                Short.toUnsignedInt(in.getShort()),
                Integer.toUnsignedLong(in.getInt()),
                in.getInt(),
                in.getInt());
    }

    /** Writes this header at the buffer's position. */
    public void encode(ByteBuffer out) {
        Wire.littleEndian(out);
        out.putShort((short) id);
        out.putShort((short) command);
        out.putInt((int) messageBytes);
        out.putInt(flags);
        out.putInt(errno);
    }

    /** For logs: {@code DMA_MAP id 7, 48 bytes, flags 0x0}. */
    @Override
    public String toString() {
        return Command.describe(command) + " id " + id + ", " + messageBytes + " bytes, flags 0x"
                + Integer.toHexString(flags) + (isError() ? ", errno " + Integer.toUnsignedString(errno) : "");
    }
}
