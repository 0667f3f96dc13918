package io.sluice.controller;

import io.sluice.nvme.Doorbells;

/** Doorbells that come by messages: NVMe 1.4, 3.1.24 and 3.1.25. Belongs to the controller's agent. */
final class MessagedDoorbells {
    private final DoorbellPage page;
    private final AdminQueue adminQueue;
    private final IoQueues queues;
    private final Features features;
    private final QueueFaults faults;

    MessagedDoorbells(
            DoorbellPage page, AdminQueue adminQueue, IoQueues queues, Features features, QueueFaults faults) {
        this.page = page;
        this.adminQueue = adminQueue;
        this.queues = queues;
        this.features = features;
        this.faults = faults;
    }

    /**
     * A doorbell is written: NVMe 1.4, 5.2, "Write to Invalid Doorbell Register", for queues that do not exist. Before CC.EN
     * none does, the admin queue included; the host is told once it has enabled the controller and asks for events.
     */
    void ring(int offset, int value) {
        int qid = Doorbells.qid(offset);
        boolean cqHead = Doorbells.isCqHead(offset);
        boolean exists = cqHead ? hasCompletionQueue(qid) : hasSubmissionQueue(qid);
        if (!exists) {
            faults.absentDoorbell();
            return;
        }
        page.write(offset, value);
        if (qid == 0) {
            adminQueue.doorbellWritten(cqHead);
        } else {
            queues.doorbellWritten(qid, cqHead);
        }
    }

    private boolean hasSubmissionQueue(int qid) {
        return qid == 0 ? adminQueue.isOpen() : qid <= features.submissionQueues() && queues.hasSubmissionQueue(qid);
    }

    private boolean hasCompletionQueue(int qid) {
        return qid == 0 ? adminQueue.isOpen() : qid <= features.completionQueues() && queues.hasCompletionQueue(qid);
    }
}
