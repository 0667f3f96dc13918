/**
 * The {@code sluice} command and its subcommands: arguments in, words and exit codes out. What they do is done elsewhere.
 *
 * <p>May import: {@code daemon}, {@code bench}, {@code control}, {@code config}, {@code hostpci}.
 *
 * <p>Start reading at {@link io.sluice.cli.Sluice}.
 */
package io.sluice.cli;
