/**
 * What {@code sluice serve} is to serve: YAML to validated records. Knows no device and opens none.
 *
 * <pre>
 *   file ──▶ ConfigFile ──▶ YamlTree ─┐
 *                                     ├─▶ ConfigNode ──▶ ServeReader ──▶ ServeSettings ──▶ ServePlan.resolve ──▶ blocks
 *   options ────────▶ ServeArguments ─┘                  (everything     (+ where each     (with what the
 *                                                         that is wrong)   value stood)      device turned out to be)
 * </pre>
 *
 * <p>May import nothing of Sluice. Start with {@link io.sluice.config.ServeSettings}, then
 * {@link io.sluice.config.ServeReader}.
 */
package io.sluice.config;
