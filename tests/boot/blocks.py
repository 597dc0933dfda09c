# SPDX-License-Identifier: MIT
#
# The blocks of the three protocols as bytes, with every field open to lies: hvm_start_info
# (Xen, start_info.h), multiboot2 (specification 2.0, section 3.6), our own hand-over
# (arch/x86_64/boot/handover.h), and ACPI tables (ACPI 6.4, chapter 5).
import struct

PVH_MAGIC, HANDOVER_MAGIC = 0x336EC578, 0x3141524553534554
MIB = 1 << 20
USABLE, RESERVED, ACPI, NVS, BAD = 1, 2, 3, 4, 5
HONEST_MAP = ((0, 0x9FC00, USABLE), (0x9FC00, 0x60400, RESERVED), (MIB, 63 * MIB, USABLE))


def ranges(entries):
    """E820 entries of 24 bytes, as PVH, multiboot2 and our hand-over have them."""
    return b"".join(struct.pack("<QQII", base, length, kind, 0)
                    for base, length, kind in entries)


def placed(image, data):
    """The address of bytes that are placed, or an address as it is."""
    return data if isinstance(data, int) else image.place(data)


def start_info(image, entries=HONEST_MAP, modules=(), cmdline=b"\0", rsdp=0, **lies):
    """Places hvm_start_info with what it points to. `cmdline` is bytes or an address, `lies`
    replaces fields by name."""
    modlist = b"".join(struct.pack("<QQQQ", base, size, 0, 0) for base, size in modules)
    table = ranges(entries)
    field = {"magic": PVH_MAGIC, "version": 1, "nr_modules": len(modules),
             "modlist": image.place(modlist) if modules else 0,
             "cmdline": placed(image, cmdline), "rsdp": rsdp,
             "memmap": image.place(table) if table else 0,
             "memmap_entries": len(table) // 24} | lies
    return image.place(struct.pack(
        "<IIIIQQQQII", field["magic"], field["version"], 0, field["nr_modules"],
        field["modlist"], field["cmdline"], field["rsdp"], field["memmap"],
        field["memmap_entries"], 0))


def tag(kind, body, size=None):
    """A multiboot2 tag, padded; `size` is what it says of itself."""
    data = struct.pack("<II", kind, 8 + len(body) if size is None else size) + body
    return data + bytes(-len(data) % 8)


END = tag(0, b"")


def map_tag(entries=HONEST_MAP, entry_size=24, size=None, body=None):
    """`entry_size` larger than 24: each entry is padded to it, if it is not a pure lie."""
    if body is None:
        body = b"".join(ranges([e]) + bytes(max(0, min(entry_size, 4096) - 24))
                        for e in entries)
    return tag(6, struct.pack("<II", entry_size, 0) + body, size)


def module_tag(start, end, text=b"\0", size=None):
    return tag(3, struct.pack("<II", start, end) + text, size)


def cmdline_tag(text, size=None):
    return tag(1, text, size)


def framebuffer_tag(base, pitch=4096, width=1024, height=768, bpp=32, kind=1,
                    colours=(16, 8, 8, 8, 0, 8), size=None):
    return tag(8, struct.pack("<QIIIBBH6B", base, pitch, width, height, bpp, kind, 0,
                              *colours), size)


def multiboot2(image, tags, size=None, offset=0):
    """Places the block; `size` is what it says of itself."""
    body = b"".join(tags)
    total = 8 + len(body) if size is None else size
    return image.place(struct.pack("<II", total, 0) + body, 16, offset)


def handover(image, entries=HONEST_MAP, module=(0, 0), cmdline=b"\0", rsdp=0,
             framebuffer=(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), **lies):
    """Places our hand-over with what it points to."""
    table = ranges(entries)
    field = {"magic": HANDOVER_MAGIC, "version": 1, "size": 104,
             "cmdline": placed(image, cmdline), "cmdline_len": 0,
             "map_count": len(entries), "initrd": module[0], "initrd_len": module[1],
             "rsdp": rsdp, "map": image.place(table) if table else 0} | lies
    return image.place(struct.pack(
        "<QIIQIIQQQQQQIII8B4x", field["magic"], field["version"], field["size"],
        field["cmdline"], field["cmdline_len"], field["map_count"], field["initrd"],
        field["initrd_len"], field["rsdp"], 0, field["map"], *framebuffer))


# ---- ACPI ----

def checksum(data, at):
    data = bytearray(data)
    data[at] = 0
    data[at] = -sum(data) & 0xFF
    return bytes(data)


def rsdp(xsdt=0, rsdt=0, revision=2, good=True, length=36):
    data = struct.pack("<8sB6sBIIQB3x", b"RSD PTR ", 0, b"TESSER", revision, rsdt, length,
                       xsdt, 0)
    data = checksum(data[:20], 8) + data[20:]
    data = checksum(data, 32)
    return data if good else data[:8] + bytes([data[8] ^ 0x55]) + data[9:]


def table(signature, body, revision=1, length=None, good=True):
    """A system description table; `length` is what it says of itself."""
    data = struct.pack("<4sIBB6s8sI4sI", signature, 36 + len(body) if length is None
                       else length, revision, 0, b"TESSER", b"HOSTILE ", 1, b"TEST", 1)
    data = checksum(data + body, 9)
    return data if good else data[:9] + bytes([data[9] ^ 0x55]) + data[10:]


def xsdt(addresses, **lies):
    return table(b"XSDT", b"".join(struct.pack("<Q", a) for a in addresses), **lies)


def rsdt(addresses, **lies):
    return table(b"RSDT", b"".join(struct.pack("<I", a) for a in addresses), **lies)


def madt(entries, **lies):
    return table(b"APIC", struct.pack("<II", 0xFEE00000, 1) + entries, revision=4, **lies)


def local_apic(number, flags=1):
    return struct.pack("<BBBBI", 0, 8, number & 0xFF, number & 0xFF, flags)


def local_x2apic(number, flags=1):
    return struct.pack("<BBHIII", 9, 16, 0, number, flags, number)


def generic_address(space, address):
    return struct.pack("<BBBBQ", space, 8, 0, 1, address)


def fadt(dsdt=0, pm1a=0x604, reset=(1, 0xCF9), reset_value=6, flags=0x400, nbytes=276,
         **lies):
    """`nbytes`: how much of revision 6's 276 bytes is there."""
    data = bytearray(276 - 36)

    def put(at, fmt, *values):
        struct.pack_into(fmt, data, at - 36, *values)

    put(40, "<I", dsdt & 0xFFFFFFFF)
    put(64, "<I", pm1a)
    put(89, "<B", 2)
    put(112, "<I", flags)
    put(116, "<12s", generic_address(*reset))
    put(128, "<B", reset_value)
    put(140, "<Q", dsdt)
    put(172, "<12s", generic_address(1, pm1a))
    return table(b"FACP", bytes(data[:nbytes - 36]), revision=6, **lies)


def hpet(address, **lies):
    return table(b"HPET", struct.pack("<I12sBHB", 0x8086A201, generic_address(0, address),
                                      0, 100, 0), **lies)


# Name (_S5_, Package (4) { 0, 0, 0, 0 }), as QEMU's own DSDT says it.
S5 = bytes.fromhex("085f53355f12060400000000")
