# SPDX-License-Identifier: MIT
#
# Hostile memory maps and start info through the PVH boot protocol. What a map says is all the kernel
# can know, so honest memory between lies must still be enough for a shell.
from blocks import ACPI, BAD, HONEST_MAP, MIB, NVS, RESERVED, USABLE, start_info
from image import ARCHIVE

GIB = 1 << 30
LOW, TOP = HONEST_MAP[:2], 64 * MIB
NO_MAP = r"boot: the PVH loader gave no memory map"
NOT_THERE = r"boot: memory at 0x\w+-0x\w+ is not there"


def boots(pattern=None):
    return "boots", pattern


def refused(pattern):
    return "refused", pattern


def enter(image, entries=HONEST_MAP, **lies):
    """By the PVH boot protocol with start_info's arguments; the archive is there if nothing else is
    said."""
    if "modules" not in lies:
        lies["modules"] = [(image.put(ARCHIVE, image.archive), len(image.archive))]
    image.enter("pvh", start_info(image, entries, **lies))


def with_map(entries):
    return lambda image: enter(image, entries)


def over_kernel(image):
    kernel = image.kernel
    enter(image, HONEST_MAP + ((kernel.start, kernel.end - kernel.start, RESERVED),))


def only_kernel(image):
    kernel = image.kernel
    enter(image, ((kernel.start, kernel.end - kernel.start, USABLE),), modules=[])


def after_kernel(nbytes):
    """Nothing usable but the image and a little behind it."""
    def build(image):
        enter(image, ((image.kernel.start, image.kernel.end - image.kernel.start + nbytes,
                       USABLE),), modules=[])
    return build


def map_at(address, count):
    """The map itself somewhere impossible."""
    return lambda image: enter(image, memmap=address, memmap_entries=count)


def block_at(address):
    return lambda image: image.enter("pvh", address)


def stripes(count, kind):
    """`count` entries of one page each between usable pages, from 33 MiB on."""
    return HONEST_MAP + tuple((40 * MIB + 8192 * i, 4096, kind) for i in range(count))


def order_cases():
    yield "map honest", boots(r"entered by PVH, \d+ MiB"), with_map(HONEST_MAP)
    yield "map reversed", boots(), with_map(HONEST_MAP[::-1])
    yield "map with every entry twice", boots(), with_map(HONEST_MAP * 2)
    yield "map in 63 pieces out of order", boots(r"entered by PVH, (59|60) MiB"), with_map(
        LOW + tuple((MIB * (1 + i * 37 % 63), MIB, USABLE) for i in range(63)))
    yield "map of overlapping usable ranges", boots(), with_map(
        LOW + tuple((MIB * i, min(9, 64 - i) * MIB, USABLE) for i in range(1, 63)))
    yield "map with a reservation inside memory", boots(r"entered by PVH, 4\d MiB"), with_map(
        HONEST_MAP + ((44 * MIB, 12 * MIB, RESERVED),))
    yield "map with the kernel reserved", boots(), over_kernel
    yield "map reserving what it calls usable", refused(
        r"boot: the memory map has no usable memory"), lambda image: enter(
            image, HONEST_MAP + ((0, 1 << 40, RESERVED),), modules=[])


def entry_cases():
    yield "map without entries", refused(NO_MAP), with_map(())
    yield "map of empty entries", refused(r"boot: the memory map has no usable memory"), \
        lambda image: enter(image, ((MIB, 0, USABLE), (0, 0, USABLE)), modules=[])
    yield "map with empty entries between", boots(), with_map(
        ((5 * MIB, 0, RESERVED), (0, 0, BAD)) + HONEST_MAP + ((1 << 63, 0, USABLE),))
    yield "map with an entry that wraps", boots(), with_map(
        HONEST_MAP + (((1 << 64) - 4096, 8192, USABLE),))
    yield "map with a reservation that wraps", boots(), with_map(
        HONEST_MAP + (((1 << 64) - 4096, 1 << 63, RESERVED),))
    yield "map with an entry of 2^64-1 bytes", boots(), with_map(
        HONEST_MAP + ((1 << 40, (1 << 64) - 1, USABLE),))
    yield "map above 52 bits", boots(), with_map(
        HONEST_MAP + ((1 << 52, GIB, USABLE), (1 << 63, GIB, USABLE)))
    yield "map of odd bytes", boots(r"entered by PVH, \d+ MiB"), with_map(
        LOW + ((MIB + 1, 63 * MIB - 3, USABLE), (3, 5, USABLE)))
    yield "map of unknown types", boots(), with_map(HONEST_MAP + tuple(
        (40 * MIB + 4096 * i, 4096, kind) for i, kind in enumerate(
            (0, 6, 7, 12, 20, 255, 0x7FFFFFFF, 0xFFFFFFFF))))
    yield "map of unknown types only", refused(
        r"boot: the memory map has no usable memory"), lambda image: enter(
            image, ((MIB, 63 * MIB, 7), (0, MIB, 0)), modules=[])
    yield "map with ACPI, NVS and bad memory", boots(r"entered by PVH, 4\d MiB"), with_map(
        HONEST_MAP + ((44 * MIB, 4 * MIB, ACPI), (48 * MIB, 4 * MIB, NVS),
                      (52 * MIB, 4 * MIB, BAD)))


def count_cases():
    yield "map of 1000 single usable pages", boots(), with_map(
        LOW + ((MIB, 39 * MIB, USABLE),) + tuple(
            (40 * MIB + 8192 * i, 4096, USABLE) for i in range(1000)))
    yield "map of 1000 reserved pages", boots(), with_map(stripes(1000, RESERVED))
    yield "map of 5000 usable entries", boots(), with_map(
        HONEST_MAP + HONEST_MAP[2:] * 5000)
    yield "map of 5000 reservations", refused(
        r"boot: the memory map has more than 1200 entries"), with_map(
            HONEST_MAP + tuple((40 * MIB + 4096 * i, 2048, RESERVED) for i in range(5000)))
    yield "map count of 2^32-1", refused(r"boot: PVH memory map at .* is out of reach"), \
        lambda image: enter(image, memmap_entries=0xFFFFFFFF)
    yield "map count of 20 million", refused(
        r"boot: the memory map has more than 1200 entries"), \
        lambda image: enter(image, memmap_entries=20000000)
    yield "map at 0", refused(r"boot: PVH memory map at 0, 24 bytes, is out of reach"), \
        map_at(0, 1)
    yield "map at 4 GiB", refused(r"boot: PVH memory map at 0x100000000, .* out of reach"), \
        map_at(4 * GIB, 1)
    yield "map at 2^64-8", refused(r"boot: PVH memory map at 0xfff.*, is out of reach"), \
        map_at((1 << 64) - 8, 3)
    yield "map across 4 GiB", refused(r"boot: PVH memory map at 0xfff.*, is out of reach"), \
        map_at(4 * GIB - 24, 2)


def size_cases():
    yield "memory of the first MiB only", refused(
        r"boot: the memory map has no usable memory"), \
        lambda image: enter(image, ((0, MIB, USABLE),), modules=[])
    yield "memory of the kernel only", refused(
        r"boot: the memory map has no usable memory"), only_kernel
    yield "memory of one page", refused(
        r"not enough memory below 4 GiB: \d+ KiB in one piece needed at boot"), \
        after_kernel(4096)
    yield "memory of 64 KiB", refused(r"not enough memory below 4 GiB: \d+ KiB .*"), \
        after_kernel(65536)
    yield "memory only above 4 GiB", refused(r"not enough memory below 4 GiB: \d+ KiB .*"), \
        lambda image: enter(image, ((4 * GIB, GIB, USABLE),), modules=[]), "-m", "4G"
    yield "memory with a hole up to 1 TiB", boots(), with_map(
        HONEST_MAP + (((1 << 40) - GIB, GIB, RESERVED), (1 << 40, GIB, USABLE)))


def absent_cases():
    """Memory the machine does not have."""
    yield "absent memory from 64 MiB to 128 MiB", boots(NOT_THERE), with_map(
        HONEST_MAP + ((TOP, TOP, USABLE),))
    yield "absent memory from 1 GiB to 2 GiB", boots(NOT_THERE), with_map(
        HONEST_MAP + ((GIB, GIB, USABLE),))
    yield "absent memory: all of 4 GiB usable", boots(NOT_THERE), with_map(
        LOW + ((MIB, 4 * GIB - MIB, USABLE),))
    yield "absent memory: all of 2^64 usable", boots(NOT_THERE), with_map(
        ((0, (1 << 64) - 1, USABLE),))
    yield "absent memory: local APIC and flash usable", boots(NOT_THERE), with_map(
        HONEST_MAP + ((0xFEC00000, 0x1400000, USABLE),))
    yield "absent memory: nothing else", refused(
        r"boot: the memory map has no usable memory"), lambda image: enter(
            image, ((GIB, GIB, USABLE),), modules=[])
    yield "absent memory above 4 GiB", boots(NOT_THERE), with_map(
        HONEST_MAP + ((4 * GIB, GIB, USABLE),))
    yield "absent memory below 1 TiB", boots(NOT_THERE), with_map(
        HONEST_MAP + (((1 << 40) - GIB, GIB, USABLE),))


def far_cases():
    """Memory that is there, where few machines have it."""
    # What backlinks cannot name, above 8 TiB, is left alone (PHYS_LIMIT).
    for at, name, size in ((1 << 40, "1 TiB", r"(31\d|32\d)"), (1 << 45, "32 TiB", r"[56]\d")):
        yield f"memory at {name}", boots(rf" {size} MiB of memory"), with_map(
            HONEST_MAP + ((at, 256 * MIB, USABLE),)), \
            "-m", "64,slots=1,maxmem=48T", "-cpu", "max,phys-bits=47", "-object", \
            "memory-backend-ram,id=far,size=256M", "-device", \
            f"pc-dimm,memdev=far,addr={at:#x}"


def block_cases():
    yield "start info with a wrong magic", refused(
        r"boot: PVH start info at 0x\w+ has magic 0xdeadbeef: overwritten .*"), \
        lambda image: enter(image, magic=0xDEADBEEF)
    yield "start info of version 0", refused(NO_MAP), lambda image: enter(image, version=0)
    yield "start info of version 2^32-1", boots(), \
        lambda image: enter(image, version=0xFFFFFFFF)
    yield "start info in zeroed memory", refused(
        r"boot: PVH start info at 0x3000000 has magic 0: overwritten .*"), block_at(48 * MIB)
    yield "start info in absent memory", refused(
        r"the loader's block is not in memory"), block_at(0x80000000)
    yield "start info at 0", refused(r"boot: PVH start info at 0, .* is out of reach"), \
        block_at(0)
    yield "CPU without 64-bit mode", refused(r"this CPU has no 64-bit mode"), \
        with_map(HONEST_MAP), "-cpu", "qemu32"
    yield "start info in the firmware's flash", refused(
        r"the loader's block is not in memory"), block_at(0xFFFFFFF8)


def cases():
    for group in (order_cases, entry_cases, count_cases, size_cases, absent_cases, far_cases,
                  block_cases):
        yield from group()
