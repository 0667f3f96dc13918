package io.sluice.storage;

import io.sluice.linux.Errno;
import io.sluice.linux.IoVectors;
import io.sluice.linux.LinuxException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A file whose calls a test can have fail, be short, or hang; what they do otherwise is another one's. */
public final class ScriptedFile implements RawFile {
    /** What a call is to do before it is made. */
    @FunctionalInterface
    public interface Script {
        /** Returns, after as long as it likes, to have the call made. */
        void before(String call, long offset) throws LinuxException;
    }

    private final RawFile file;
    private final List<String> calls = new ArrayList<>();
    private volatile Script script = (call, offset) -> {};
    private volatile int mostVectors = IoVectors.MAX;
    private volatile boolean keepsMarks = true;

    public ScriptedFile(RawFile file) {
        this.file = file;
    }

    public void script(Script newScript) {
        script = newScript;
    }

    /** Has calls of one kind fail. */
    public void fail(String failing, int errno) {
        script = (call, offset) -> {
            if (call.equals(failing)) {
                throw new LinuxException(call, "of a test", errno);
            }
        };
    }

    /** Has calls of one kind hang until the latch is at zero. */
    public void hang(String hanging, CountDownLatch entered, CountDownLatch open) {
        script = (call, offset) -> {
            if (call.equals(hanging)) {
                entered.countDown();
                await(open);
            }
        };
    }

    public static void await(CountDownLatch latch) throws LinuxException {
        try {
            if (latch.await(60, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new LinuxException("wait", "for the test", Errno.ETIMEDOUT);
    }

    /** As a block device, which has no place for marks. */
    public void keepNoMarks() {
        keepsMarks = false;
    }

    /** Has reads and writes take no more vectors than this at once: they are short then. */
    public void takeAtMost(int vectors) {
        mostVectors = vectors;
    }

    /** The calls that have ended well, in that order, without those for the size. */
    public synchronized List<String> calls() {
        return List.copyOf(calls);
    }

    private synchronized void note(String call) {
        calls.add(call);
    }

    @Override
    public void resize(long bytes) throws IOException {
        file.resize(bytes);
    }

    @Override
    public boolean keepsMarks() {
        return keepsMarks && file.keepsMarks();
    }

    @Override
    public long[] marks() {
        return file.marks();
    }

    @Override
    public void saveMarks(long[] ranges) throws IOException {
        script.before("marks", 0);
        file.saveMarks(ranges);
        note("marks");
    }

    @Override
    public String name() {
        return file.name();
    }

    @Override
    public long read(IoVectors vectors, int count, long offset) throws LinuxException {
        script.before("read", offset);
        long bytes = file.read(vectors, Math.min(count, mostVectors), offset);
        note("read");
        return bytes;
    }

    @Override
    public long write(IoVectors vectors, int count, long offset, boolean durable) throws LinuxException {
        script.before(durable ? "write durably" : "write", offset);
        long bytes = file.write(vectors, Math.min(count, mostVectors), offset, durable);
        note(durable ? "write durably" : "write");
        return bytes;
    }

    @Override
    public void sync() throws LinuxException {
        script.before("sync", 0);
        file.sync();
        note("sync");
    }

    @Override
    public void punch(long offset, long bytes) throws LinuxException {
        script.before("punch", offset);
        file.punch(offset, bytes);
        note("punch");
    }

    @Override
    public void zero(long offset, long bytes) throws LinuxException {
        script.before("zero", offset);
        file.zero(offset, bytes);
        note("zero");
    }

    @Override
    public long size() throws LinuxException {
        return file.size();
    }

    @Override
    public void close() {
        file.close();
    }
}
