package io.sluice.controller;

import java.util.List;

/** A path that offers what another one offers, and hands on to it what a test does not do itself. */
public abstract class ForwardingPath implements IoPath {
    protected final IoPath storage;

    protected ForwardingPath(IoPath storage) {
        this.storage = storage;
    }

    @Override
    public List<Namespace> namespaces() {
        return storage.namespaces();
    }

    @Override
    public boolean offers(int opcode) {
        return storage.offers(opcode);
    }

    @Override
    public NamespaceTraits traits(int nsid) {
        return storage.traits(nsid);
    }

    @Override
    public boolean offersFused() {
        return storage.offersFused();
    }

    @Override
    public boolean submitFused(IoCommand compare, IoCommand write) {
        return storage.submitFused(compare, write);
    }

    @Override
    public int maxPending() {
        return storage.maxPending();
    }

    @Override
    public int poll() {
        return storage.poll();
    }

    @Override
    public void cancel(IoCommand command) {
        storage.cancel(command);
    }

    @Override
    public void close() {
        storage.close();
    }
}
