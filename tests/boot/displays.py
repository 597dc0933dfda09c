# SPDX-License-Identifier: MIT
#
# Screens as real machines have them: 24 bits a pixel, lines with padding, a framebuffer in
# RAM, none at all. The stick's image boots, its shell is typed at, and the picture is read
# back. And the firmware that refuses us, for the documentation.
import re

import machine
import screentext
from matrix import stick

SECONDS = 180
PROMPT = "tessera:~#"
FIELDS = re.compile(r"(\d+)x(\d+), (\d+) bits, pitch (\d+)")

SEABIOS, OVMF = [], machine.OVMF
# name: (firmware and adapter, bits a pixel, whether lines have padding); bits 0: no screen
SCREENS = {
    "24 bits a pixel": (SEABIOS + ["-vga", "cirrus"], 24, False),
    "padded lines": (SEABIOS + ["-vga", "none", "-device", "bochs-display"], 32, True),
    "UEFI 32 bits a pixel": (OVMF + ["-vga", "std"], 32, False),
    "UEFI framebuffer in RAM": (OVMF + ["-vga", "none", "-device", "ramfb"], 32, False),
    "UEFI GOP without framebuffer": (OVMF + ["-vga", "none", "-device", "virtio-gpu-pci"],
                                     0, False),
    "UEFI without GOP": (OVMF + ["-vga", "none"], 0, False),
    "BIOS without VGA": (SEABIOS + ["-vga", "none"], 0, False),
}
SECURE = ["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
          "-drive", "if=pflash,format=raw,unit=0,readonly=on,"
          "file=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
          "-drive", "if=pflash,format=raw,unit=1,snapshot=on,"
          "file=/usr/share/OVMF/OVMF_VARS_4M.ms.fd"]


def whole(data, height):
    """The picture with all lines of the mode: QEMU's cirrus shows one less. bochs-display
    shows more, because GRUB's mode is a window of a larger one."""
    kind, size, depth, pixels = data.split(b"\n", 3)
    width, lines = map(int, size.split())
    missing = max(0, height - lines)
    pixels += bytes(width * 3 * missing)
    return b"\n".join((kind, b"%d %d" % (width, lines + missing), depth, pixels))


def wrong_picture(m, height, log):
    """None when the shell's prompt is on the screen."""
    path = log + ".ppm"
    m.screendump(path)
    with open(path, "rb") as f:
        screen = screentext.Screen(whole(f.read(), height))
    if not any(line.startswith(PROMPT) for line in screen.text):
        return f"no prompt on the screen: {screen.text}"
    return None


def shows(build, args, bits, padded, log):
    base = ["-machine", "q35", "-m", "256", "-cpu", "max"]
    with machine.Machine(base + args + stick(f"{build}/tessera.img"), log, SECONDS,
                         qmp=True) as m:
        at = m.expect(machine.PROMPT)
        if at is None:
            return machine.fault(m, "no prompt")
        m.type("grep -A3 '^.framebuffer' /proc/hwreport; echo re''ported")
        if m.expect("reported", at) is None:
            return machine.fault(m, "no report")
        found = FIELDS.search(m.text, at)
        if not bits:
            wrong = f"a framebuffer: {found[0]}" if found else None
        elif not found:
            wrong = "no framebuffer"
        else:
            width, height, has, line = map(int, found.groups())
            wrong = wrong_picture(m, height, log)
            if has != bits or (line > width * bits // 8) != padded:
                wrong = f"another framebuffer: {found[0]}"
        m.type("poweroff")
        return wrong or (None if m.wait() == machine.PASSED else "no power-off")


def refused(build, log):
    """With Secure Boot on the firmware does not start what nobody signed."""
    with machine.Machine(["-m", "256"] + SECURE + ["-vga", "std"] +
                         stick(f"{build}/tessera.img"), log, SECONDS) as m:
        if m.expect("Access Denied") is None:
            return machine.fault(m, "the firmware does not refuse")
        return "our loader started" if "Tessera loader" in m.text else None


def cases(build, _):
    for name, (args, bits, padded) in SCREENS.items():
        yield name, lambda log, a=args, b=bits, p=padded: shows(build, a, b, p, log)
    yield "Secure Boot on", lambda log: refused(build, log)
