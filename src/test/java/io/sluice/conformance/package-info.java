/**
 * The NVM Express specification as tests, one a rule, in its own numbers: {@link io.sluice.conformance.Host} uses nothing of {@code
 * io.sluice.nvme}, so that what both halves of Sluice have misunderstood is found. Start reading at {@link
 * io.sluice.conformance.Conformance}.
 */
package io.sluice.conformance;
