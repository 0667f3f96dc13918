package io.sluice.vfiouser.client;

import io.sluice.vfiouser.Message;
import io.sluice.vfiouser.MessageChannel;
import java.io.IOException;

/** Answers a server's commands: DMA_READ and DMA_WRITE. */
@FunctionalInterface
public interface DmaAnswerer {
    /**
     * Answers one command, or does not; on the thread that receives the server's messages.
     *
     * @param command closed by the caller
     * @param channel to send the reply to
     * @throws IOException where the connection is of no use any more
     */
    void answer(Message command, MessageChannel channel) throws IOException;
}
