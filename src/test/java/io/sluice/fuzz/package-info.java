/**
 * Coverage-guided fuzzing. A target takes bytes, reads from them what to do, and throws where the product has broken its word; Jazzer
 * makes the bytes. Targets are where what they try is: {@link io.sluice.vfiouser.server.MessageFuzz}, {@link
 * io.sluice.controller.RegisterFuzz} and {@link io.sluice.controller.AdminFuzz}. Start reading at {@link io.sluice.fuzz.CorpusTest}.
 */
package io.sluice.fuzz;
