package io.sluice.host;

/** Takes the completions of a {@link QueuePair}; called from {@link QueuePair#poll}, on the polling thread. */
@FunctionalInterface
public interface CompletionListener {
    /**
     * A command has ended; its slot and its data buffer are free again, the buffer with one exception: {@link
     * DriverStatus#DEVICE_LOST}. It may submit the next command to the same queue
     * pair, but not poll it.
     *
     * @param token what the command was submitted with
     * @param status the status field without the phase, as in {@code io.sluice.nvme.Status}: 0 is success
     * @param dw0 the completion's dword 0, the result of some commands
     */
    void onCompletion(long token, int status, int dw0);
}
