# SPDX-License-Identifier: MIT
#
# Hostile hand-overs through the 64-bit entry of our own UEFI loader, entered with paging on.
from blocks import HONEST_MAP, MIB, RESERVED, USABLE, handover
from hostile_maps import boots, refused
from image import ARCHIVE

GIB = 1 << 30


def enter(entries=HONEST_MAP, **lies):
    def build(image):
        module = (image.put(ARCHIVE, image.archive), len(image.archive))
        image.enter("efi", handover(image, entries, **{"module": module, **lies}))
    return build


def block_at(address):
    return lambda image: image.enter("efi", address)


def cases():
    far = r"boot: {} at 0x\w+, \d+ bytes, is out of reach"
    yield "hand-over honest", boots(r"entered by UEFI, \d+ MiB"), enter()
    yield "hand-over with a wrong magic", refused(
        r"boot: the UEFI hand-over at 0x\w+ has magic 0xdeadbeef"), enter(magic=0xDEADBEEF)
    yield "hand-over of another version", refused(
        r"boot: the UEFI loader speaks version 2 with 104 bytes, this kernel 1"), \
        enter(version=2)
    yield "hand-over of 8 bytes", refused(
        r"boot: the UEFI loader speaks version 1 with 8 bytes, this kernel 1"), enter(size=8)
    yield "hand-over of 2^32-1 bytes", boots(), enter(size=0xFFFFFFFF)
    yield "hand-over in zeroed memory", refused(
        r"boot: the UEFI hand-over at 0x3000000 has magic 0"), block_at(48 * MIB)
    yield "hand-over at 0", refused(
        r"boot: UEFI hand-over at 0, \d+ bytes, is out of reach"), block_at(0)
    yield "hand-over without a map", refused(
        r"boot: the UEFI loader gave no memory map"), enter(())
    yield "hand-over with a map at 4 GiB", refused(far.format("UEFI memory map")), \
        enter(map=4 * GIB)
    yield "hand-over with 2^32-1 entries", refused(far.format("UEFI memory map")), \
        enter(map_count=0xFFFFFFFF)
    yield "hand-over of unknown types", boots(), enter(
        HONEST_MAP + ((50 * MIB, MIB, 0), (52 * MIB, MIB, 7), (54 * MIB, MIB, 0xFFFFFFFF)))
    yield "hand-over with all memory the loader's", refused(
        r"boot: .*no usable memory|boot: initramfs .* is not in memory"), enter(
            ((0, 64 * MIB, 6),))
    yield "hand-over with a command line at 2^63", refused(far.format("command line")), \
        enter(cmdline=1 << 63)
    yield "hand-over with a command line of 4 GiB", refused(far.format("command line")), \
        enter(cmdline_len=0xFFFFFFFF)
    yield "hand-over with an archive at 4 GiB", refused(
        r"boot: initramfs 0x100000000-.* is not in memory"), enter(module=(4 * GIB, MIB))
    yield "hand-over with an archive that wraps", refused(
        r"boot: initramfs at 0x2000000 has an impossible length .*"), \
        enter(module=(ARCHIVE, (1 << 64) - MIB))
    yield "hand-over with a framebuffer of 0 bits", boots(r"screen: the framebuffer at "), \
        enter(framebuffer=(0xFD000000, 4096, 1024, 768, 0, 16, 8, 8, 8, 0, 8, 0))
    yield "hand-over with a framebuffer at 2^63", boots(r"screen: the framebuffer at "), \
        enter(framebuffer=(1 << 63, 4096, 1024, 768, 32, 16, 8, 8, 8, 0, 8, 0))
    yield "hand-over with the archive reserved", refused(
        r"boot: initramfs .* is not in memory"), enter(
            HONEST_MAP[:2] + ((MIB, 31 * MIB, USABLE), (ARCHIVE, 8 * MIB, RESERVED)))
