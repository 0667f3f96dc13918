package io.sluice.vfiouser.server;

import io.sluice.dma.DmaRefused;
import io.sluice.dma.DmaSpace;
import io.sluice.dma.PendingMap;
import io.sluice.dma.Transaction;
import io.sluice.linux.Fd;
import io.sluice.mem.Translator;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.DmaMap;
import io.sluice.vfiouser.DmaUnmap;
import io.sluice.vfiouser.Header;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.VfioUserException;
import java.util.ArrayList;
import java.util.List;

/**
 * DMA_MAPs and DMA_UNMAPs that have arrived back to back. Firmware and guests unmap everything and map it again in pieces;
 * as one transaction that costs one wait for the pollers, and no mapping of a file is undone and redone.
 *
 * <p>An unmap may only be answered when nobody uses the memory any more, so all replies wait for the commit. They go out in
 * the order of the messages.
 */
final class DmaBatch {
    private static final int MAP_FLAGS = DmaMap.READABLE | DmaMap.WRITABLE;

    private final Transaction transaction;
    private final List<Entry> entries = new ArrayList<>();

    /**
     * What became of one message as far as is known before the commit.
     *
     * @param map what the commit decides on; null for all but maps
     */
    private record Entry(Answer answer, PendingMap map) {
        /** For after the commit. */
        Answer decided() {
            try {
                if (map != null) {
                    map.confirm();
                }
                return answer;
            } catch (DmaRefused e) {
                return new Answer(answer.header(), null, refusal(e));
            }
        }
    }

    /**
     * What became of one message.
     *
     * @param reply null where it was refused
     * @param refusal null where it was done
     */
    record Answer(Header header, Reply reply, VfioUserException refusal) {}

    DmaBatch(DmaSpace space) {
        transaction = space.begin();
    }

    static boolean takes(Message message) {
        int command = message.header().command();
        return message.header().isCommand()
                && (command == Command.DMA_MAP.code() || command == Command.DMA_UNMAP.code());
    }

    int size() {
        return entries.size();
    }

    /** Makes a message's change a part of the transaction, and closes the message. */
    void add(Message message) {
        try (message) {
            boolean isMap = message.header().command() == Command.DMA_MAP.code();
            PendingMap map = isMap ? map(message) : null;
            Reply reply = isMap ? Reply.DONE : unmap(message);
            entries.add(new Entry(new Answer(message.header(), reply, null), map));
        } catch (VfioUserException e) {
            entries.add(new Entry(new Answer(message.header(), null, e), null));
        }
    }

    /** Makes all changes at once, and waits until nobody uses what has gone, and until a device has got what came. */
    List<Answer> commit() {
        transaction.commit();
        return entries.stream().map(Entry::decided).toList();
    }

    private PendingMap map(Message message) throws VfioUserException {
        DmaMap map = DmaMap.decode(message.body());
        if ((map.flags() & ~MAP_FLAGS) != 0) {
            throw Refuse.invalid("cannot do " + map + ": there are no such flags");
        }
        if (message.fdCount() > 1) {
            throw Refuse.invalid(
                    "cannot do " + map + ": it came with " + message.fdCount() + " descriptors; it takes one or none");
        }
        int access = (map.readable() ? Translator.READ : 0) | (map.writable() ? Translator.WRITE : 0);
        Fd memory = message.fdCount() == 0 ? null : message.takeFds().getFirst();
        try {
            return transaction.map(map.address(), map.size(), access, memory, map.offset());
        } catch (DmaRefused e) {
            throw refusal(e);
        }
    }

    private static VfioUserException refusal(DmaRefused why) {
        return new VfioUserException(why.errno(), why.getMessage());
    }

    /** Some clients send a descriptor here too; it is closed with the message. */
    private Reply unmap(Message message) throws VfioUserException {
        DmaUnmap unmap = DmaUnmap.decode(message.body());
        if ((unmap.flags() & DmaUnmap.DIRTY_BITMAP) != 0) {
            throw Refuse.unsupported("cannot do " + unmap + ": this server does not track what the device writes");
        }
        if ((unmap.flags() & ~DmaUnmap.ALL) != 0) {
            throw Refuse.invalid("cannot do " + unmap + ": there are no such flags");
        }
        if (unmap.isAll()) {
            unmapAll(unmap);
        } else {
            unmapOne(unmap);
        }
        DmaUnmap entry = new DmaUnmap(DmaUnmap.BYTES, unmap.flags(), unmap.address(), unmap.size());
        return Reply.of(DmaUnmap.BYTES, entry::encode);
    }

    private void unmapAll(DmaUnmap unmap) throws VfioUserException {
        if (unmap.address() != 0 || unmap.size() != 0) {
            throw Refuse.invalid("cannot do " + unmap + ": its address and size must be 0");
        }
        transaction.unmapAll();
    }

    private void unmapOne(DmaUnmap unmap) throws VfioUserException {
        try {
            transaction.unmap(unmap.address(), unmap.size());
        } catch (DmaRefused e) {
            throw refusal(e);
        }
    }
}
