# SPDX-License-Identifier: MIT
#
# Hostile ACPI tables behind the RSDP of a PVH start info. A PC without usable tables is still
# a PC: each case must boot.
import struct

import blocks
from blocks import MIB, fadt, hpet, local_apic, local_x2apic, madt, rsdp, table
from hostile_maps import boots, enter


def tables(*bodies, root=None, **lies):
    """An RSDP and XSDT that list these tables; `lies` are of the XSDT."""
    def build(image):
        addresses = [image.place(b) if isinstance(b, bytes) else b for b in bodies]
        listed = image.place(blocks.xsdt(addresses, **lies))
        enter(image, rsdp=image.place(root(listed) if root else rsdp(xsdt=listed)))
    return build


def old_tables(*bodies, **lies):
    """The same with an RSDP of revision 0 and an RSDT."""
    def build(image):
        listed = image.place(blocks.rsdt([image.place(b) for b in bodies], **lies))
        enter(image, rsdp=image.place(rsdp(rsdt=listed, revision=0)[:20] + b"\xff" * 16))
    return build


def power(dsdt, **lies):
    """A FADT whose DSDT is this, bytes or an address."""
    def build(image):
        at = dsdt if isinstance(dsdt, int) else image.place(dsdt)
        tables(fadt(at, **lies))(image)
    return build


def at(address):
    return lambda image: enter(image, rsdp=address)


def rooted(image, change):
    """XSDTs that hold addresses known only when they are placed."""
    address = image.place(bytes(4096))
    image.pieces.pop()
    image.put(address, change(address))
    enter(image, rsdp=image.place(rsdp(xsdt=address)))


def root_cases():
    for name, address in (("0xffffffff", 0xFFFFFFFF), ("4 GiB", 1 << 32),
                          ("2^64-20", (1 << 64) - 20), ("absent memory", 0x80000000),
                          ("zeroed memory", 48 * MIB)):
        yield f"RSDP at {name}", at(address)
    for name, root in (
            ("with a bad checksum", lambda x: rsdp(xsdt=x, good=False)),
            ("of revision 255", lambda x: rsdp(xsdt=x, revision=255)),
            ("of length 0", lambda x: rsdp(xsdt=x, length=0)),
            ("of length 2^32-1", lambda x: rsdp(xsdt=x, length=0xFFFFFFFF)),
            ("with another signature", lambda x: b"RSD RTP " + rsdp(xsdt=x)[8:]),
            ("without an XSDT", lambda x: rsdp()),
            ("with the XSDT at 2^52", lambda x: rsdp(xsdt=1 << 52)),
            ("with the XSDT at 1", lambda x: rsdp(xsdt=1)),
            ("with the XSDT across 2^64", lambda x: rsdp(xsdt=(1 << 64) - 8)),
            ("with both roots the same", lambda x: rsdp(xsdt=x, rsdt=x))):
        yield f"RSDP {name}", tables(madt(local_apic(0)), root=root)
    yield "RSDP that is its own XSDT", lambda image: enter(
        image, rsdp=image.place(rsdp(xsdt=image.free)))


def list_cases():
    for length in (0, 4, 35, 37, 0x7FFFFFFF, 0xFFFFFFFF):
        yield f"XSDT of length {length:#x}", tables(madt(local_apic(0)), length=length)
    yield "XSDT with a bad checksum", tables(madt(local_apic(0)), good=False)
    yield "XSDT without entries", tables()
    yield "XSDT that lists itself", lambda image: rooted(
        image, lambda here: blocks.xsdt([here, here, here]))
    yield "XSDT with 100,000 entries", tables(*[0x80000000 + 8 * i for i in range(100000)])
    yield "XSDT with entries nowhere", tables(0, 1, 1 << 40, 1 << 52, (1 << 64) - 4, 0xFED00000)
    yield "XSDT with one table 1000 times", lambda image: rooted(
        image, lambda here: blocks.xsdt([here + 2000] * 100).ljust(2000, b"\0") +
        madt(local_apic(0)))
    yield "RSDT of old ACPI", old_tables(madt(local_apic(0)))
    yield "RSDT of length 39", old_tables(madt(local_apic(0)), length=39)
    yield "table with a bad checksum", tables(madt(local_apic(0), good=False))
    yield "table of length 8", tables(table(b"APIC", b"", length=8))
    yield "table of length 2^32-1", tables(table(b"FACP", bytes(200), length=0xFFFFFFFF))
    yield "table of no letters", tables(table(b"\0\xff\n%", bytes(20)))


def cpu_cases():
    entries = b"".join(local_apic(i) for i in range(256))
    wide = b"".join(local_x2apic(i) for i in range(10000))
    two = ["-smp", "2"]
    yield "MADT of 10,000 processors", tables(madt(wide)), "smp: 10000 processors, using 2", two
    # Of number 255 there is none: it means all of them.
    yield "MADT of 256 processors", tables(madt(entries)), "smp: 255 processors, using 2", two
    yield ("MADT of 64 processors that are not there", tables(madt(b"".join(
        local_apic(i) for i in range(64, 128)))), "smp: 64 processors, using 1", two)
    yield "MADT without a processor", tables(madt(b"")), "using 1", two
    yield ("MADT with all processors off", tables(madt(b"".join(
        local_apic(i, flags=0) for i in range(4)))), "smp: 0 processors, using 1", two)
    yield ("MADT with one processor 300 times", tables(madt(local_apic(0) * 300)),
           "smp: 1 processor, using 1", two)
    yield ("MADT with the second processor 300 times, in both ways", tables(madt(
        local_apic(1) * 100 + local_x2apic(1) * 200)), "smp: 1 processor, using 2", two)
    yield ("MADT with numbers of x2APICs only", tables(madt(b"".join(
        local_x2apic(i) for i in (0, 1, 255, 1 << 31, 0xFFFFFFFF)))),
           "smp: 4 processors, using 2", two)
    yield "MADT with entries of length 0", tables(madt(bytes([0, 0] * 50)))
    yield "MADT with entries of length 1", tables(madt(bytes([0, 1] * 50)))
    yield "MADT with an entry beyond its end", tables(madt(local_apic(0) + b"\x00\xff\0\0"))
    yield "MADT with half a processor", tables(madt(local_apic(0) + b"\x00\x08\0"))
    yield "MADT of length 40", tables(madt(local_apic(0), length=40))
    yield "MADT with its APIC at 2^63", tables(madt(
        struct.pack("<BBHQ", 5, 12, 0, 1 << 63) + local_apic(0)))


def power_cases():
    good = table(b"DSDT", blocks.S5)
    yield "FADT honest", power(good)
    for nbytes in (36, 44, 64, 76, 116, 129, 244):
        yield f"FADT of {nbytes} bytes", power(good, nbytes=nbytes)
    yield "FADT with the DSDT at 2^52", power(1 << 52)
    yield "FADT with the DSDT in absent memory", power(0x80000000)
    yield "FADT with ports of 0", power(good, pm1a=0, reset=(1, 0), flags=0)
    yield "FADT with a reset in an unknown space", power(good, reset=(77, 0xCF9))
    yield "FADT with a reset in memory at 2^63", power(good, reset=(0, 1 << 63))
    yield "DSDT of noise", power(table(b"DSDT", bytes(i * 7 & 255 for i in range(9999))))
    yield "DSDT without _S5", power(table(b"DSDT", bytes(64)))
    yield "DSDT that ends behind _S5", power(table(b"DSDT", b"\x08_S5_"))
    yield "DSDT with a package beyond its end", power(
        table(b"DSDT", b"\x08_S5_\x12\xff\xff\xff\xff\x04\x0a\x05"))
    yield "DSDT of length 20", power(table(b"DSDT", blocks.S5, length=20))


def timer_cases():
    yield "HPET at 0", tables(hpet(0))
    yield "HPET in memory", tables(hpet(48 * MIB))
    yield "HPET in absent memory", tables(hpet(0x80000000))
    yield "HPET at 2^63", tables(hpet(1 << 63))
    yield "HPET at an odd address", tables(hpet(0xFED00003))
    yield "HPET table cut short", tables(hpet(0xFED00000)[:40])
    yield "HPET of length 37", tables(hpet(0xFED00000, length=37))


def cases():
    for group in (root_cases, list_cases, cpu_cases, power_cases, timer_cases):
        for name, build, *rest in group():
            yield (f"ACPI {name}", boots(rest[0] if rest else None), build,
                   *(rest[1] if rest else ()))
