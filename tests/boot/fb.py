# SPDX-License-Identifier: MIT
#
# The framebuffer: the display adapters of QEMU that the kernel drives by itself, the suite of
# /dev/fb0 on each, and pictures of the screen compared pixel by pixel with what was drawn
# through a mapping, through a rearranged one, and by writing.
import os
import subprocess

import machine

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS = 240
WIDTH, HEIGHT, TILE = 1024, 768, 32
HEAD = TILE  # mosaic's line of text
ADAPTERS = {
    "std": (["-machine", "q35", "-vga", "std"], "", "1024 x 768"),
    "std on pc": (["-machine", "pc", "-vga", "std"], "", "1024 x 768"),
    "bochs-display": (["-machine", "q35", "-vga", "none", "-device", "bochs-display"], "",
                      "1024 x 768"),
    "secondary-vga": (["-machine", "q35", "-vga", "none", "-device", "secondary-vga"], "",
                      "1024 x 768"),
    "800x600": (["-machine", "q35", "-vga", "std"], "video=800x600", "800 x 600"),
    "odd lines": (["-machine", "q35", "-vga", "std"], "video=1368x769", "1368 x 769"),
}
NONE = {
    "no adapter": (["-machine", "q35", "-vga", "none"], ""),
    "fb=off": (["-machine", "q35", "-vga", "std"], "fb=off"),
    "qboot gives no addresses": (["-machine", "q35", "-vga", "std", "-bios", "qboot.rom"], ""),
}


def picture(width, height):
    """A picture in which no two tiles are alike: bytes RGB."""
    out = bytearray()
    for y in range(height):
        for x in range(width):
            tile = (y // TILE * 37 + x // TILE * 11) % 251
            out += bytes((tile, (x * 7 ^ y * 3) & 255, (x // TILE * 8 + y) & 255))
    return bytes(out)


def read_ppm(path):
    """(width, height, bytes RGB) of a picture as QEMU writes it."""
    with open(path, "rb") as f:
        data = f.read()
    kind, size, depth, pixels = data.split(b"\n", 3)
    width, height = map(int, size.split())
    if kind != b"P6" or depth != b"255" or len(pixels) != width * height * 3:
        raise ValueError(f"{path}: not a picture of QEMU's")
    return width, height, pixels


def tiles(pixels, top):
    """The tiles of a picture of WIDTH below line `top`."""
    line = WIDTH * 3
    return [b"".join(pixels[(y + i) * line + x * 3:(y + i) * line + (x + TILE) * 3]
                     for i in range(TILE))
            for y in range(top, len(pixels) // line - TILE + 1, TILE)
            for x in range(0, WIDTH, TILE)]


def boot(build, args, cmdline, log, archive=None):
    args = args + ["-m", "256", "-kernel", f"{build}/release/kernel.elf",
                   "-initrd", archive or f"{build}/iso.cpio", "-append", cmdline]
    return machine.Machine(args, log, SECONDS, qmp=True)


def suite(build, args, cmdline, size):
    def case(log):
        with boot(build, args, cmdline, log) as m:
            if m.expect(machine.PROMPT) is None:
                return "no prompt"
            m.type("suite t_fb; echo status $?.")
            if m.expect("status 0.") is None:
                return "the suite failed"
            if "# 0 skipped" not in m.text or "no /dev/fb0" in m.text:
                return "cases were skipped"
            m.screendump(f"{log}.ppm")
            width, height, _ = read_ppm(f"{log}.ppm")
            if f"{width} x {height}" != size:
                return f"the screen is {width} x {height}, want {size}"
            m.type("poweroff")
            return machine.fault(m, "suite")
    return case


def absent(build, args, cmdline):
    def case(log):
        with boot(build, args, cmdline, log) as m:
            if m.expect(machine.PROMPT) is None:
                return "no prompt"
            m.type("/demo/mosaic; echo status $?.; ls /dev/fb0; poweroff")
            wrong = machine.fault(m, "absent")
            for want in ("there is no framebuffer here", "status 1.",
                         "/dev/fb0: No such file or directory"):
                if not wrong and want not in m.text:
                    return f"nothing said: {want}"
            return wrong
    return case


def still(m, log, frame):
    """The screen's tiles while mosaic stands still at a frame; None: it never did."""
    start = len(m.text)
    m.type(f"/demo/mosaic --still {frame} --frames {frame + 1} /tests/picture.ppm")
    if m.expect(f"standing still at frame {frame}", start) is None:
        return None
    m.screendump(f"{log}.ppm")
    now = tiles(read_ppm(f"{log}.ppm")[2], HEAD)
    m.type("")
    return now if m.expect("area(s): ok", start) else None


def text_again(m, log):
    """Whether the console shows its text where the picture was."""
    for _ in range(100):
        m.screendump(f"{log}.ppm")
        if not any(tiles(read_ppm(f"{log}.ppm")[2], HEAD)[-1]):
            return True
    return False


def pixels(build, work):
    """The archive with a picture in it, and a case that looks at it."""
    def case(log):
        rgb = picture(WIDTH, HEIGHT - HEAD)
        with open(f"{work}/picture.ppm", "wb") as f:
            f.write(b"P6\n# a test\n%d %d\n255\n" % (WIDTH, HEIGHT - HEAD) + rgb)
        whole = picture(WIDTH, HEIGHT)
        with open(f"{work}/picture.raw", "wb") as f:
            f.write(b"".join(whole[i + 2:i + 3] + whole[i + 1:i + 2] + whole[i:i + 1] + b"\0"
                             for i in range(0, len(whole), 3)))
        archive = f"{work}/fb.cpio"
        subprocess.run([f"{TOP}/tools/mkinitrd.py", "-o", archive, "--from",
                        f"{build}/initramfs.cpio", "--add", f"{work}/picture.ppm:/tests/",
                        "--add", f"{work}/picture.raw:/tests/"], check=True)
        want = tiles(rgb, 0)
        with boot(build, ["-machine", "q35", "-vga", "std"], "", log, archive) as m:
            if m.expect(machine.PROMPT) is None:
                return "no prompt"
            if still(m, log, 2) != want:
                return "the picture is not on the screen"
            if not text_again(m, log):
                return "the picture is still on the screen"
            mixed = still(m, log, 110)
            if mixed is None or sorted(mixed) != sorted(want):
                return "the mixed picture is not made of the same tiles"
            if sum(a == b for a, b in zip(mixed, want)) > len(want) // 10:
                return "the mixed picture is not mixed"
            m.type("clear; cat /tests/picture.raw >/dev/fb0; echo written $?.")
            if m.expect("written 0.") is None:
                return "writing failed"
            m.screendump(f"{log}.ppm")
            half = len(whole) // 2
            if read_ppm(f"{log}.ppm")[2][half:] != whole[half:]:
                return "what was written is not on the lower half of the screen"
            m.type("poweroff")
            return machine.fault(m, "pixels")
    return case


def cases(build, work):
    yield "pixels", pixels(build, work)
    for name, (args, cmdline, size) in ADAPTERS.items():
        yield name, suite(build, args, cmdline, size)
    for name, (args, cmdline) in NONE.items():
        yield name, absent(build, args, cmdline)
