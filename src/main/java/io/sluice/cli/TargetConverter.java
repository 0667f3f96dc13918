package io.sluice.cli;

import io.sluice.daemon.DeviceTarget;
import picocli.CommandLine.ITypeConverter;

/** Reads what to drive: the path of a socket, or a PCI address. */
final class TargetConverter implements ITypeConverter<DeviceTarget> {
    @Override
    public DeviceTarget convert(String text) {
        return DeviceTarget.parse(text);
    }
}
