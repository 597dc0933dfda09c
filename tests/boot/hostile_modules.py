# SPDX-License-Identifier: MIT
#
# Hostile modules, archives and command lines through the PVH boot protocol.
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))

from blocks import MIB
from hostile_maps import boots, enter, refused
from image import ARCHIVE
from mkinitrd import Initramfs

NO_ARCHIVE = r"no initramfs: give one to the loader \(QEMU: -initrd FILE\)"


def modules(*pairs):
    return lambda image: enter(image, modules=pairs)


def on_kernel(before):
    def build(image):
        enter(image, modules=[(image.kernel.start - before, 2 * MIB)])
    return build


def archive(change):
    """The archive's bytes through `change` before they are given to the kernel."""
    def build(image):
        image.archive = change(image.archive)
        enter(image)
    return build


def files(*entries):
    """An archive of just these: (path, bytes, mode)."""
    def make(_):
        fs = Initramfs()
        for path, data, mode in entries:
            fs.file(path, data, mode)
        return fs.write()
    return archive(make)


def noise(nbytes):
    return random.Random(nbytes).randbytes(nbytes)


def module_cases():
    yield "module missing", refused(NO_ARCHIVE), modules()
    yield "module of no bytes", refused(NO_ARCHIVE), modules((ARCHIVE, 0))
    yield "module beyond memory", refused(
        r"boot: initramfs 0x40000000-0x\w+ is not in memory"), modules((1 << 30, MIB))
    yield "module partly beyond memory", refused(
        r"boot: initramfs 0x3f00000-0x4100000 is not in memory"), modules((63 * MIB, 2 * MIB))
    yield "module at 2^52", refused(r"boot: initramfs 0x10000000000000-.* not in memory"), \
        modules((1 << 52, MIB))
    yield "module in the ROM below 1 MiB", refused(
        r"boot: initramfs 0xf0000-0x100000 is not in memory"), modules((0xF0000, 0x10000))
    yield "module at 0", refused(r"boot: initramfs 0-0x100000 is not in memory"), \
        modules((0, MIB))
    yield "module that wraps", refused(r"boot: initramfs at 0x2000000 has an impossible .*"), \
        modules((ARCHIVE, (1 << 64) - MIB))
    yield "module of 2^63 bytes", refused(r"boot: initramfs 0x2000000-.* is not in memory"), \
        modules((ARCHIVE, 1 << 63))
    yield "module over the kernel", refused(r"boot: initramfs .* overlaps the kernel"), \
        on_kernel(0)
    yield "module into the kernel", refused(r"boot: initramfs .* overlaps the kernel"), \
        on_kernel(MIB)
    yield "module list at 0", refused(r"boot: PVH module list at 0, .* out of reach"), \
        lambda image: enter(image, modlist=0)
    yield "module list at 2^63", refused(r"boot: PVH module list at 0x8000.* out of reach"), \
        lambda image: enter(image, modlist=1 << 63)
    yield "module list in absent memory", refused(
        NO_ARCHIVE), \
        lambda image: enter(image, modlist=0x80000000)
    yield "module count of 2^32-1", boots(), \
        lambda image: enter(image, nr_modules=0xFFFFFFFF)
    yield "module at an odd address", boots(), odd_module


def odd_module(image):
    at = image.put(ARCHIVE + 4099, image.archive)
    enter(image, modules=[(at, len(image.archive))])


NO_INIT = r"cannot start init /init: error 2"


def archive_cases():
    broken = r"initramfs: incomplete, going on with what was unpacked"
    yield "archive cut in its middle", boots(broken), archive(cut)
    yield "archive cut to a header's half", refused(NO_INIT), archive(lambda a: a[:60])
    yield "archive of one byte", refused(NO_INIT), archive(lambda a: a[:1])
    yield "archive of noise", refused(NO_INIT), archive(lambda _: noise(65536))
    yield "archive of zeros", refused(NO_INIT), archive(lambda _: bytes(MIB))
    yield "archive with noise behind it", boots(), archive(lambda a: a + noise(4096))
    yield "archive that says a file has 4 GiB", refused(NO_INIT), archive(
        lambda a: a[:54] + b"FFFFFFFF" + a[62:])
    yield "archive without /init", refused(NO_INIT), files(("etc/motd", b"hello\n", 0o644))
    yield "archive with an empty /init", refused(r"cannot start init /init: error 8"), \
        files(("init", b"", 0o755))
    yield "archive with a text as /init", refused(r"cannot start init /init: error 8"), \
        files(("init", b"just a text\n", 0o755))
    yield "archive with a torn ELF as /init", refused(r"cannot start init /init: error 8"), \
        archive(torn_init)
    yield "archive with an /init that may not run", refused(
        r"cannot start init /init: error 13"), files(("init", b"#!/init\n", 0o644))
    yield "archive with an /init that names itself", refused(
        r"cannot start init /init: error 40"), files(("init", b"#!/init\n", 0o755))


def cut(data):
    """Behind everything the shell needs: the last file loses its end."""
    trailer = data.rindex(b"070701", 0, data.rindex(b"TRAILER!!!"))
    return data[:trailer - 64]


def torn_init(data):
    fs = Initramfs()
    fs.read(data)
    torn = Initramfs()
    torn.file("init", fs.entries["init"][1][:100], 0o755)
    return torn.write()


def line(text):
    return lambda image: enter(image, cmdline=text)


def cmdline_cases():
    yield "command line empty", boots(), line(b"\0")
    yield "command line missing", boots(), line(0)
    yield "command line of 4 KiB", boots(), line(b"x" * 4095 + b"\0")
    yield "command line of 64 KiB", boots(), line(b"word " * 13107 + b"\0")
    yield "command line without an end", boots(), unending_line
    yield "command line of 2047 blanks", boots(), line(b" " * 2047 + b"\0")
    yield "command line of 1024 words", boots(), line(b"a " * 1024 + b"\0")
    yield "command line of every byte", boots(), line(bytes(range(1, 256)) * 8 + b"\0")
    yield "command line of equal signs", boots(), line(b"=" * 500 + b" =a a= panic== ==\0")
    yield "command line of format directives", boots(), line(b"%s%n%p %s=%s fb=%s%n\0")
    yield "command line beyond reach", refused(
        r"boot: command line at 0x100000000, 1 bytes, is out of reach"), line(1 << 32)
    yield "command line in the last bytes below 4 GiB", boots(), line((1 << 32) - 4)
    yield "command line in absent memory", boots(), line(0x80000000)


def unending_line(image):
    """No NUL from here to the end of memory."""
    enter(image, cmdline=image.put(60 * MIB, b"y" * (4 * MIB)))


def cases():
    yield from module_cases()
    yield from archive_cases()
    yield from cmdline_cases()
