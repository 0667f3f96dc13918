/**
 * Puts the parts together and takes them apart again: the only room that knows which storage, which server and which
 * threads are in use.
 *
 * <p>May import everything but {@code bench} and {@code cli}. Start at {@link io.sluice.daemon.ModelDaemon}.
 */
package io.sluice.daemon;
