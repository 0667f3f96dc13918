package io.sluice.daemon;

import io.sluice.device.PciDevice;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;

/** Around a device: which memory is mapped for it, and how long mapping takes. */
final class WatchedMaps implements UnaryOperator<PciDevice> {
    private static final double GIB = 1L << 30;

    private final long nanosPerGib;
    private final Set<Long> mapped = ConcurrentHashMap.newKeySet();

    /** Mapped in all, also what is not any more. */
    final AtomicLong bytes = new AtomicLong();

    /** How much longer than the device needs each mapping takes. */
    WatchedMaps(long nanosPerGib) {
        this.nanosPerGib = nanosPerGib;
    }

    /** How many mappings there are now. */
    int count() {
        return mapped.size();
    }

    @Override
    public PciDevice apply(PciDevice device) {
        InvocationHandler handler = (proxy, method, arguments) -> {
            try {
                return switch (method.getName()) {
                    case "mapDma" -> {
                        delay((long) arguments[2]);
                        Object result = method.invoke(device, arguments);
                        mapped.add((long) arguments[3]);
                        bytes.addAndGet((long) arguments[2]);
                        yield result;
                    }
                    case "unmapDma" -> {
                        Object result = method.invoke(device, arguments);
                        mapped.remove((long) arguments[0]);
                        yield result;
                    }
                    default -> method.invoke(device, arguments);
                };
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        };
        return (PciDevice)
                Proxy.newProxyInstance(PciDevice.class.getClassLoader(), new Class<?>[] {PciDevice.class}, handler);
    }

    private void delay(long bytes) {
        long end = System.nanoTime() + (long) (bytes / GIB * nanosPerGib);
        while (System.nanoTime() - end < 0) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
    }
}
