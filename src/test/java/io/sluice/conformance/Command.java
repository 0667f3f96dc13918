package io.sluice.conformance;

/** A submission queue entry, as 16 dwords: NVMe 1.4, 4.2. */
final class Command {
    final int[] dwords = new int[16];

    /** Its identifier comes when it is submitted. */
    Command(int opcode) {
        dwords[0] = opcode;
    }

    /** Any dword, 0 to 15. */
    Command dw(int index, int value) {
        dwords[index] = value;
        return this;
    }

    Command nsid(int nsid) {
        return dw(1, nsid);
    }

    Command prp1(long gpa) {
        return dw(6, (int) gpa).dw(7, (int) (gpa >>> 32));
    }

    Command prp2(long gpa) {
        return dw(8, (int) gpa).dw(9, (int) (gpa >>> 32));
    }

    /** The SGL's first descriptor in the entry, and PSDT = 01b. */
    Command sgl(long gpa, int bytes, int type) {
        psdt(1);
        return prp1(gpa).dw(8, bytes).dw(9, type << 28);
    }

    Command psdt(int psdt) {
        dwords[0] = (dwords[0] & ~0xc000) | (psdt << 14);
        return this;
    }

    Command fuse(int fuse) {
        dwords[0] = (dwords[0] & ~0x300) | (fuse << 8);
        return this;
    }

    /** Dwords 10 and 11, and NLB in dword 12. */
    Command blocks(long slba, int count) {
        return dw(10, (int) slba).dw(11, (int) (slba >>> 32)).dw(12, (dwords[12] & ~0xffff) | ((count - 1) & 0xffff));
    }
}
