/** Sluice in a container, and its client outside. */
package io.sluice.container;
