package io.sluice.daemon;

import io.sluice.host.ControllerInfo;
import io.sluice.host.NamespaceInfo;
import java.util.List;

/**
 * What a device is, as a person or a script wants to know it.
 *
 * @param name a socket's path
 * @param submissionQueues I/O submission queues that it grants
 * @param completionQueues I/O completion queues that it grants
 * @param pciDeviceId in configuration space
 * @param pciSubsystemId in configuration space
 * @param bar0Bytes size of BAR 0
 * @param doorbellsMapped whether doorbells are shared memory, so that ringing them is no message
 * @param msixVectors MSI-X interrupts
 */
public record DeviceIdentity(
        String name,
        ControllerInfo controller,
        List<NamespaceInfo> namespaces,
        int submissionQueues,
        int completionQueues,
        int pciDeviceId,
        int pciSubsystemId,
        long bar0Bytes,
        boolean doorbellsMapped,
        int msixVectors) {

    public DeviceIdentity {
        namespaces = List.copyOf(namespaces);
    }
}
