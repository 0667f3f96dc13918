package io.sluice.dma;

import java.util.Map;

/** A map that a transaction has taken in. Whether it holds is known once the transaction has been committed. */
public final class PendingMap {
    private final DmaRegion region;
    private DmaRefused refusal;

    PendingMap(DmaRegion region) {
        this.region = region;
    }

    void resolve(Map<DmaRegion, DmaRefused> refused) {
        refusal = refused.get(region);
    }

    /**
     * For after the commit.
     *
     * @throws DmaRefused if the device behind the memory could not be given access, so that there is no region: ENOSPC for a
     *     limit of this guest or of the device, or no free IOVA; else what the device's driver said, EIO where it said nothing
     */
    public void confirm() throws DmaRefused {
        if (refusal != null) {
            throw refusal;
        }
    }
}
