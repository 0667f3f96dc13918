/**
 * What {@code sluice serve} is to serve: YAML to validated records. Knows no device and opens none.
 *
 * <p>May import nothing of Sluice. Start with {@link io.sluice.config.ServeSettings}.
 */
package io.sluice.config;
