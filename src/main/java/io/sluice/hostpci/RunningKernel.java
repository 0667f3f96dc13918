package io.sluice.hostpci;

import io.sluice.linux.Fd;
import io.sluice.linux.FileIo;
import io.sluice.linux.LinuxException;
import io.sluice.linux.PlainText;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The kernel that this process runs on. */
final class RunningKernel implements HostKernel {
    private static final List<Path> MODPROBES =
            List.of(Path.of("/sbin/modprobe"), Path.of("/usr/sbin/modprobe"), Path.of("/usr/bin/modprobe"));
    private static final long MODPROBE_SECONDS = 30;
    private static final long PAUSE_NANOS = 100_000_000;

    /** The first words of what modprobe says are enough. */
    private static final int MAX_SAID_BYTES = 500;

    @Override
    public boolean mayWrite(Path file) {
        return Files.isWritable(file);
    }

    @Override
    public void write(Path file, String text) throws IOException {
        // WRITE alone: sysfs lets nobody create or truncate.
        try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.WRITE)) {
            out.write(text.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new IOException("write of \"" + text.strip() + "\" to " + file + ": " + reason(file, e), e);
        }
    }

    /** The JDK's message of a failed open starts with the path, or is only that. */
    private static String reason(Path file, IOException e) {
        String message = String.valueOf(e.getMessage());
        return message.equals(file.toString())
                ? e.getClass().getSimpleName().replace("Exception", "")
                : message.replace(file + ": ", "");
    }

    @Override
    public Claim claim(Path blockDevice) throws LinuxException {
        Fd held = FileIo.open(blockDevice, FileIo.O_RDONLY | FileIo.O_EXCL | FileIo.O_NONBLOCK);
        return held::close;
    }

    @Override
    public void loadModule(String name) throws IOException {
        Optional<Path> modprobe = MODPROBES.stream().filter(Files::isExecutable).findFirst();
        if (modprobe.isEmpty()) {
            throw new IOException("there is no modprobe on this machine");
        }
        Process process = new ProcessBuilder(modprobe.get().toString(), name)
                .redirectErrorStream(true)
                .start();
        try {
            process.getOutputStream().close();
            boolean ended = process.waitFor(MODPROBE_SECONDS, TimeUnit.SECONDS);
            if (!ended) {
                throw new IOException("modprobe " + name + " did not end within " + MODPROBE_SECONDS + " s");
            }
            if (process.exitValue() != 0) {
                byte[] said = process.getInputStream().readNBytes(MAX_SAID_BYTES);
                throw new IOException("modprobe " + name + " failed: "
                        + PlainText.of(new String(said, StandardCharsets.UTF_8).strip()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while modprobe " + name + " ran", e);
        } finally {
            process.destroy();
        }
    }

    @Override
    public void pause() {
        LockSupport.parkNanos(PAUSE_NANOS);
    }
}
