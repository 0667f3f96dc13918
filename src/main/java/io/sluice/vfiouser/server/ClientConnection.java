package io.sluice.vfiouser.server;

import io.sluice.device.FunctionStalled;
import io.sluice.device.PciFunction;
import io.sluice.dma.DmaSpace;
import io.sluice.linux.Errno;
import io.sluice.linux.EventFdSender;
import io.sluice.linux.LinuxException;
import io.sluice.linux.UnixConnection;
import io.sluice.vfiouser.Command;
import io.sluice.vfiouser.FramingException;
import io.sluice.vfiouser.Header;
import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.MessageChannel;
import io.sluice.vfiouser.VfioUserException;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client, from its connection to its end. All on the server's thread, except {@link #shutdown}.
 *
 * <pre>
 *   connected ──VERSION──▶ attached ──messages, in order──▶ end of stream ──▶ detach ──▶ unmap all ──▶ close
 *       │ anything else                      │ bad framing, a bug, shutdown        ▲
 *       └────────────────────────────────────┴──────────────────────────────────────┘
 * </pre>
 */
final class ClientConnection {
    private static final Logger LOG = LoggerFactory.getLogger(ClientConnection.class);

    /** Refusals that are logged for people to see; a client that goes on like that is only counted. */
    private static final int LOGGED_REFUSALS = 8;

    private final PciFunction function;
    private final ServerLimits limits;
    private final MessageChannel channel;
    private final EventFdSender sender;
    private final DmaMessages dmaMessages;
    private final DmaSpace space;
    private final IntxEvents intxEvents;
    private final DeviceRequests device;
    private final RegionRequests regions;
    private final InterruptRequests interrupts;
    private final long startNanos = System.nanoTime();
    private String client = "a client";
    private boolean attached;
    private boolean writeMultiple;
    private long messages;
    private long refusals;
    private volatile boolean shutDown;

    ClientConnection(UnixConnection connection, PciFunction function, ServerLimits limits) {
        this.function = function;
        this.limits = limits;
        connection.sendTimeout(limits.sendTimeout());
        channel = new MessageChannel(connection, limits.maxMessageBytes());
        sender = new EventFdSender(channel::shutdown);
        dmaMessages = new DmaMessages(function.name(), channel);
        space = new DmaSpace(function.name(), limits.dma(), function.deviceMemory(), dmaMessages);
        intxEvents = new IntxEvents(function);
        device = new DeviceRequests(function);
        regions = new RegionRequests(function, limits.maxDataTransferBytes());
        interrupts = new InterruptRequests(function, intxEvents, sender);
    }

    /** Ends the connection soon; from any thread. */
    void shutdown() {
        shutDown = true;
        channel.shutdown();
    }

    /** Serves the client until it goes or has to go, and cleans up after it. Throws nothing: this is where bugs end. */
    void serve() {
        String end = "a bug in this server ended it";
        try {
            client = "client " + channel.connection().peer();
            LOG.info("{}: {} has connected", function.name(), client);
            end = serveMessages();
        } catch (FramingException e) {
            LOG.warn("{}: {} is disconnected: {}", function.name(), client, e.getMessage());
            end = "its messages could not be followed";
        } catch (IOException e) {
            end = describe(e);
        } catch (FunctionStalled e) {
            LOG.warn("{}: {} is disconnected: {}", function.name(), client, e.getMessage());
            end = "the device stalled";
        } catch (RuntimeException | Error e) {
            LOG.error("{}: {} is disconnected because of a bug", function.name(), client, e);
        } finally {
            cleanUp();
        }
        if (sender.isDistrusted()) {
            LOG.warn(
                    "{}: {} was disconnected: it had made an eventfd block (O_NONBLOCK cleared, counter full), which held"
                            + " up a thread of this server",
                    function.name(),
                    client);
        }
        LOG.info(
                "{}: {} is gone after {} ms, {} messages, {} of them refused: {}",
                function.name(),
                client,
                TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos),
                messages,
                refusals,
                end);
    }

    /** What went wrong with the socket, for people. */
    private String describe(IOException e) {
        if (shutDown || sender.isDistrusted()) {
            return endedByServer();
        }
        if (e instanceof LinuxException failure && failure.errno() == Errno.ETIMEDOUT) {
            LOG.warn(
                    "{}: {} is disconnected: it has not read a reply within {}",
                    function.name(),
                    client,
                    limits.sendTimeout());
        }
        return e.getMessage();
    }

    private String serveMessages() throws IOException {
        if (!negotiate()) {
            return "it never agreed on a version";
        }
        Message message = next();
        while (message != null) {
            Message following = DmaBatch.takes(message) ? changeMemory(message) : handle(message);
            message = following != null ? following : next();
        }
        return shutDown || sender.isDistrusted() ? endedByServer() : "it closed the connection";
    }

    private String endedByServer() {
        return shutDown ? "this server is closing" : "it made an eventfd block";
    }

    /** The next message, waiting for it; null at the end. */
    private Message next() throws IOException {
        if (!intxEvents.isEmpty() && !channel.hasPendingHeader()) {
            intxEvents.serveUntilReadable(channel.connection().fd());
        }
        Message message = channel.receive();
        countAndLog(message);
        return message;
    }

    private void countAndLog(Message message) {
        if (message != null) {
            messages++;
            if (LOG.isDebugEnabled()) {
                LOG.debug("{}: received {}, {} descriptors", function.name(), message.header(), message.fdCount());
            }
        }
    }

    /** The first message: VERSION and nothing else. A client that has its answer can rely on the function being there. */
    private boolean negotiate() throws IOException {
        Message first = channel.receive();
        if (first == null) {
            return false;
        }
        countAndLog(first);
        try (first) {
            Header header = first.header();
            if (!header.isCommand() || header.command() != Command.VERSION.code()) {
                throw Refuse.invalid("the first message is " + header + "; it must be VERSION");
            }
            Negotiation negotiation = Negotiation.of(first, limits);
            writeMultiple = negotiation.writeMultiple();
            dmaMessages.limitTo(negotiation.maxDmaBytes());
            attached = true;
            attach();
            answer(header, Reply.of(negotiation.reply().bytes(), negotiation.reply()::encode));
            LOG.debug("{}: agreed on {}", function.name(), negotiation.reply());
            return true;
        } catch (VfioUserException e) {
            LOG.warn("{}: {} is disconnected: {}", function.name(), client, e.getMessage());
            refuse(first.header(), e);
            return false;
        }
    }

    private void attach() throws VfioUserException {
        try {
            function.attach(space);
        } catch (FunctionStalled e) {
            throw stalled(e);
        }
    }

    private static VfioUserException stalled(FunctionStalled e) {
        return new VfioUserException(Errno.EIO, e.getMessage());
    }

    /**
     * Does all DMA messages that have arrived as one transaction.
     *
     * @return the first message after them, if it has arrived too; else null
     */
    private Message changeMemory(Message first) throws IOException {
        DmaBatch batch = new DmaBatch(space);
        Message message = first;
        while (message != null && batch.size() < limits.maxBatchedMessages() && DmaBatch.takes(message)) {
            batch.add(message);
            message = channel.receiveIfReady();
            countAndLog(message);
        }
        try {
            for (DmaBatch.Answer answer : batch.commit()) {
                if (answer.refusal() == null) {
                    answer(answer.header(), answer.reply());
                } else {
                    refuse(answer.header(), answer.refusal());
                }
            }
        } catch (IOException | RuntimeException | Error e) {
            if (message != null) {
                message.close();
            }
            throw e;
        }
        return message;
    }

    /** Does what one message asks for. Always returns null: nothing was received beyond it. */
    private Message handle(Message message) throws IOException {
        Header header = message.header();
        try (message) {
            if (header.isReply()) {
                dmaMessages.answered(message);
                return null;
            }
            answer(header, dispatch(message));
        } catch (VfioUserException e) {
            refuse(header, e);
        } catch (FunctionStalled e) {
            refuse(header, stalled(e));
        }
        return null;
    }

    private Reply dispatch(Message message) throws VfioUserException {
        Header header = message.header();
        Command command = Command.ofCode(header.command());
        if (!header.isCommand()) {
            throw Refuse.invalid("a message of type " + header.type() + " is neither a command nor a reply");
        }
        if (command == null) {
            throw Refuse.unsupported("there is no " + Command.describe(header.command()));
        }
        return switch (command) {
            case VERSION -> throw Refuse.invalid("VERSION has been agreed on already");
            case DEVICE_GET_INFO -> device.info(message);
            case DEVICE_GET_REGION_INFO -> device.regionInfo(message);
            case DEVICE_GET_REGION_IO_FDS -> device.regionIoFds(message);
            case DEVICE_GET_IRQ_INFO -> device.irqInfo(message);
            case DEVICE_SET_IRQS -> interrupts.set(message);
            case DEVICE_RESET -> device.reset(message);
            case REGION_READ -> regions.read(message);
            case REGION_WRITE -> regions.write(message);
            case REGION_WRITE_MULTI -> {
                if (!writeMultiple) {
                    throw Refuse.unsupported("REGION_WRITE_MULTI has not been agreed on");
                }
                yield regions.writeMulti(message);
            }
            case DMA_MAP, DMA_UNMAP -> throw new IllegalStateException("a DMA message outside of a batch");
            case DMA_READ, DMA_WRITE -> throw Refuse.unsupported(command + " goes from server to client");
            case DIRTY_PAGES, DEVICE_FEATURE, MIG_DATA_READ, MIG_DATA_WRITE ->
                throw Refuse.unsupported(command + ": this device cannot be migrated");
        };
    }

    private void answer(Header command, Reply reply) throws IOException {
        if (command.wantsReply()) {
            channel.send(command.reply(reply.bodyBytes()), reply.body(), reply.fds());
        }
    }

    private void refuse(Header command, VfioUserException refusal) throws IOException {
        refusals++;
        if (refusals <= LOGGED_REFUSALS) {
            LOG.info("{}: refused with {}: {}", function.name(), Errno.name(refusal.errno()), refusal.getMessage());
        } else {
            LOG.debug("{}: refused: {}", function.name(), refusal.getMessage());
        }
        if (command.wantsReply()) {
            channel.send(command.errorReply(refusal.errno()));
        }
    }

    /** Every step, whatever becomes of the others: a client must leave nothing behind. */
    private void cleanUp() {
        if (attached) {
            attempt("detach the function", function::detach);
        }
        attempt("end its DMA by message", dmaMessages::close);
        attempt("close its eventfds", intxEvents::clear);
        attempt("let go of its memory", space::close);
        attempt("close its socket", channel::close);
    }

    private void attempt(String what, Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error e) {
            LOG.error("{}: could not {} after {} had gone; a bug", function.name(), what, client, e);
        }
    }
}
