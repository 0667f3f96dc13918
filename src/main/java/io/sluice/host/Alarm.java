package io.sluice.host;

/** What a queue pair tells the rest of the driver when something is wrong. Called on its poller's thread; never waits. */
interface Alarm {
    /** For a queue pair whose owner looks after it by other means. */
    Alarm NONE = new Alarm() {
        @Override
        public void late(QueuePair pair, int cid) {}

        @Override
        public void lateEnded() {}

        @Override
        public void failed(String why) {}
    };

    /** A command has passed its deadline: it is held in quarantine, and should be aborted. */
    void late(QueuePair pair, int cid);

    /** A late command has ended after all, or has been reset away. */
    void lateEnded();

    /** Only a controller reset helps. */
    void failed(String why);
}
