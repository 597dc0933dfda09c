# SPDX-License-Identifier: MIT
#
# The kernel given to QEMU directly: sizes of memory up to beyond 4 GiB and poor CPUs, and the
# images of the ISO's archive with all of the suite in it.
import machine

SECONDS = 240


def cases(build, work):
    def pvh(flags, archive):
        arguments = ["-machine", "q35", *flags, "-kernel", f"{build}/release/kernel.elf",
                     "-initrd", f"{build}/{archive}", "-append", "selftest"]
        return lambda log: machine.selftest(arguments, log, SECONDS)

    yield "16M", pvh(["-m", "16", "-cpu", "max"], "small.cpio")
    for memory in ("64M", "256M", "4G", "6G"):
        yield memory, pvh(["-m", memory, "-cpu", "max"], "iso.cpio")
    yield "3G below 1 GiB and above 4 GiB", pvh(
        ["-machine", "pc,max-ram-below-4g=1G", "-m", "3G", "-cpu", "max"], "small.cpio")
    for cpu in ("qemu64", "qemu64,-nx"):
        yield cpu, pvh(["-m", "256", "-cpu", cpu], "iso.cpio")
