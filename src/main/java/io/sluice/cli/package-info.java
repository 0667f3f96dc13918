/**
 * The {@code sluice} command: one class a sub-command, and how results and failures are told. What they do is done
 * elsewhere, and what a command does not need is not loaded: starting takes half a second as it is.
 *
 * <p>May import {@code daemon}, {@code bench}, {@code host}, {@code control}, {@code config}, {@code hostpci}. Start at
 * {@link io.sluice.cli.Sluice}.
 */
package io.sluice.cli;
