package io.sluice.bench;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/** Wraps an object, so that a test has a say in what its methods return. */
final class Wrapped {
    private Wrapped() {}

    /** What becomes of a call. */
    @FunctionalInterface
    interface Answer {
        Object of(String method, Object result) throws IOException;
    }

    static <T> T of(Class<T> type, T target, Answer answer) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                    try {
                        return answer.of(method.getName(), method.invoke(target, arguments));
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }
}
