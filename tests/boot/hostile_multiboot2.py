# SPDX-License-Identifier: MIT
#
# Hostile multiboot2 blocks, which GRUB's boot protocol must survive.
import struct

from blocks import (END, HONEST_MAP, MIB, RESERVED, USABLE, cmdline_tag, framebuffer_tag,
                    map_tag, module_tag, multiboot2, tag)
from hostile_maps import boots, refused
from image import ARCHIVE

BAD_SIZE = r"boot: multiboot2 tag {} has a bad size of {} bytes"
NO_MAP = r"boot: the multiboot2 loader gave no memory map"
NO_ARCHIVE = r"no initramfs: .*"


def block(*tags, module=True, memory=True, end=END, size=None, offset=0):
    """An honest block with `tags` between."""
    def build(image):
        at = image.put(ARCHIVE, image.archive)
        parts = [map_tag()] if memory else []
        parts += [module_tag(at, at + len(image.archive))] if module else []
        image.enter("multiboot2", multiboot2(image, [*parts, *tags, end], size, offset))
    return build


def block_at(address):
    return lambda image: image.enter("multiboot2", address)


def bare(total, body):
    """A block of just these bytes that says it has `total`."""
    def build(image):
        image.enter("multiboot2", image.place(struct.pack("<II", total, 0) + body))
    return build


def block_cases():
    yield "multiboot2 honest", boots(r"entered by multiboot2"), block()
    for size in (0, 1, 7, 8, 15):
        yield f"multiboot2 block of {size} bytes", refused(NO_MAP), block(size=size)
    yield "multiboot2 block of 2^32-1 bytes", refused(
        r"boot: multiboot2 block at .* is out of reach"), block(size=0xFFFFFFFF)
    yield "multiboot2 block at 0", refused(
        r"boot: multiboot2 block at 0, 8 bytes, is out of reach"), block_at(0)
    yield "multiboot2 block in the firmware's flash", refused(
        r"the loader's block is not in memory"), block_at(0xFFFFFFF8)
    yield "multiboot2 block in zeroed memory", refused(NO_MAP), block_at(48 * MIB)
    yield "multiboot2 block in absent memory", refused(
        r"the loader's block is not in memory"), block_at(0x80000000)
    yield "multiboot2 without an end tag", boots(), block(end=b"")
    yield "multiboot2 with noise behind the end", boots(), block(END, b"\xff" * 64)
    yield "multiboot2 at an odd address", boots(), block(offset=3)
    yield "multiboot2 with 4000 tags nobody knows", boots(), block(
        *(tag(0x10000 + i, b"what?") for i in range(4000)))
    yield "multiboot2 with another magic in EAX", refused(
        r"entered by multiboot2 without its magic number"), other_magic


def other_magic(image):
    block()(image)
    image.eax = 0x2BADB002


def tag_cases():
    for size in (0, 1, 4, 7):
        yield f"multiboot2 tag of {size} bytes", refused(BAD_SIZE.format(1, size)), block(
            cmdline_tag(b"x\0", size=size))
    yield "multiboot2 tag of 2^32-1 bytes", refused(BAD_SIZE.format(3, 0xFFFFFFFF)), block(
        module_tag(0, 0, size=0xFFFFFFFF), module=False)
    yield "multiboot2 tag one byte too long", refused(BAD_SIZE.format(21, 17)), block(
        tag(21, bytes(8), size=17), end=b"")
    yield "multiboot2 tag of only a head", refused(NO_ARCHIVE), block(
        tag(3, b""), tag(14, b""), tag(15, b""), tag(8, b""), tag(1, b""), module=False)
    yield "multiboot2 module that ends before it starts", refused(
        r"boot: initramfs ends at 0x1000 before it starts at 0x2000000"), block(
            module_tag(ARCHIVE, 4096), module=False)
    yield "multiboot2 module beyond memory", refused(
        r"boot: initramfs 0xf0000000-0xf0100000 is not in memory"), block(
            module_tag(0xF0000000, 0xF0100000), module=False)
    yield "multiboot2 with a second module that lies", boots(), block(
        module_tag(0xFFFFFFF0, 0xFFFFFFFF))
    yield "multiboot2 command line without an end", boots(), block(
        cmdline_tag(b"word" * 4))
    yield "multiboot2 command line of 64 KiB", boots(), block(
        cmdline_tag(b"word " * 13107))
    yield "multiboot2 with two command lines", boots(), block(
        cmdline_tag(b"\xff" * 99), cmdline_tag(b"quiet\0"))


def map_cases():
    entries = r"boot: multiboot2 memory map with entries of {} bytes"
    yield "multiboot2 without a map", refused(NO_MAP), block(memory=False)
    for size in (0, 8, 23):
        yield f"multiboot2 map with entries of {size} bytes", refused(
            entries.format(size)), block(map_tag(entry_size=size), memory=False)
    for size in (32, 1000):
        yield f"multiboot2 map with entries of {size} bytes", boots(), block(
            map_tag(entry_size=size), memory=False)
    yield "multiboot2 map with entries of 2^32-1 bytes", refused(NO_MAP), block(
        map_tag(entry_size=0xFFFFFFFF), memory=False)
    yield "multiboot2 map without entries", refused(NO_MAP), block(
        map_tag(()), memory=False)
    yield "multiboot2 map cut in its head", refused(entries.format(r"\d+")), block(
        tag(6, bytes(4)), memory=False)
    yield "multiboot2 map with half an entry at its end", boots(), block(
        map_tag(body=map_body() + b"\xff" * 20), memory=False)
    yield "multiboot2 with two maps", boots(), block(
        map_tag(((32 * MIB, 4096, RESERVED), (50 * MIB, MIB, RESERVED))[1:]))
    yield "multiboot2 with a second map that lies", boots(), block(
        map_tag((((1 << 64) - 1, (1 << 64) - 1, USABLE), (0, 0, 0))))


def map_body():
    return b"".join(struct.pack("<QQII", base, nbytes, kind, 0)
                    for base, nbytes, kind in HONEST_MAP)


SCREEN = r"screen: the framebuffer at 0x\w+ .*{}"


def framebuffer(expected, base=0xFD000000, **lies):
    return boots(expected), block(framebuffer_tag(base, **lies))


def framebuffer_cases():
    bits, colours = SCREEN.format("24 nor 32 bits"), SCREEN.format("colours outside")
    size, pitch = SCREEN.format("impossible size"), SCREEN.format("impossible length")
    place = SCREEN.format("beyond the addresses")
    yield "framebuffer honest", *framebuffer(None)
    for bpp in (0, 1, 8, 15, 64, 255):
        yield f"framebuffer of {bpp} bits", *framebuffer(bits, bpp=bpp)
    yield "framebuffer with lines of 0 bytes", *framebuffer(pitch, pitch=0)
    yield "framebuffer with lines too short", *framebuffer(pitch, pitch=1024 * 4 - 1)
    yield "framebuffer with lines of 2^32-1 bytes", *framebuffer(pitch, pitch=0xFFFFFFFF)
    yield "framebuffer with odd lines", *framebuffer(None, pitch=4099)
    yield "framebuffer of 0 pixels", *framebuffer(size, width=0)
    yield "framebuffer of 2^32-1 lines", *framebuffer(size, height=0xFFFFFFFF)
    yield "framebuffer of 16384 x 16384", *framebuffer(
        pitch, width=16384, height=16384, pitch=65536)
    yield "framebuffer of 1 x 1", *framebuffer(None, width=1, height=1)
    yield "framebuffer with colours beyond the pixel", *framebuffer(
        colours, colours=(255, 8, 8, 8, 0, 8))
    yield "framebuffer with colours of 0 bits", *framebuffer(
        colours, colours=(16, 0, 8, 0, 0, 0))
    yield "framebuffer with one colour thrice", *framebuffer(None, colours=(0, 8) * 3)
    yield "framebuffer at 0", *framebuffer(None, base=0)
    yield "framebuffer at an odd address", *framebuffer(None, base=0xFD000003)
    yield "framebuffer at 2^64-4096", *framebuffer(place, base=(1 << 64) - 4096)
    yield "framebuffer across the last address", *framebuffer(
        place, base=(1 << 40) - 4096)
    yield "framebuffer at 448 GiB", *framebuffer(None, base=448 << 30)
    yield "framebuffer in memory", *framebuffer(
        r"entered by multiboot2, 5\d MiB", base=48 * MIB)
    yield "framebuffer over the kernel", boots(SCREEN.format("overlaps the kernel")), \
        lambda image: block(framebuffer_tag(image.kernel.start - MIB))(image)
    yield "framebuffer over the archive", *framebuffer(
        SCREEN.format("overlaps the initramfs"), base=ARCHIVE - 4096)
    for kind in (0, 2, 9):
        yield f"framebuffer of type {kind}", *framebuffer(None, kind=kind)
    yield "framebuffer tag cut short", boots(), block(tag(8, bytes(16)))


def cases():
    for group in (block_cases, tag_cases, map_cases, framebuffer_cases):
        yield from group()
