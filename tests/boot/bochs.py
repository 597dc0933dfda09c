# SPDX-License-Identifier: MIT
#
# Bochs, a machine written independently of QEMU: it faults where QEMU forgives (unknown and
# badly filled model-specific registers, bits of CR4 the CPU lacks), and has PCID and global
# pages that survive a change of tables. Without a screen, judged by the serial log: the
# selftest must have passed and the machine be switched off by ACPI.
import os
import subprocess

from media import Media

SECONDS = 240
MODELS = ("tigerlake", "corei7_haswell_4770", "ryzen", "athlon64_clawhammer")
CONFIG = """config_interface: textconfig
display_library: rfb, options="timeout=0"
romimage: file=/usr/share/seabios/bios.bin
vgaromimage: file=/usr/share/seabios/vgabios-stdvga.bin
megs: 256
cpu: model={model}, count=1, ips=100000000, reset_on_triple_fault=0
clock: sync=none
pci: enabled=1, chipset=i440fx, slot1=pcivga
vga: extension=vbe
ata0-master: {medium}
boot: {boot}
com1: enabled=1, mode=file, dev={log}
log: {log}.bochs
panic: action=fatal, rfb=report
"""


def boot(log, work, model, boot_from, medium):
    name = os.path.join(work, f"bochs-{model}-{boot_from}")
    with open(name + ".rc", "w", encoding="utf-8") as f:
        f.write(CONFIG.format(model=model, medium=medium, boot=boot_from, log=log))
    with open(name + ".debug", "w", encoding="utf-8") as f:
        f.write("c\n")  # Debian's Bochs has its debugger in: continue
    try:
        # Its status says nothing: a power-off is 1 as well.
        subprocess.run(["bochs-bin", "-q", "-f", name + ".rc", "-rc", name + ".debug"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"no end after {SECONDS} s"
    with open(log, encoding="utf-8", errors="replace") as f:
        text = f.read()
    with open(log + ".bochs", encoding="utf-8", errors="replace") as f:
        end = f.read()
    if "selftest: passed" not in text:
        return "the log lacks the passed selftest"
    if "soft power off" not in end:
        return f"it was not switched off by ACPI: see {log}.bochs"
    return None


def cases(build, work):
    media = Media(build, work)

    def disc(log, model):
        return boot(log, work, model, "cdrom",
                    f"type=cdrom, path={media.get('iso', 'own')}, status=inserted")

    def disk(log, model):
        return boot(log, work, model, "disk",
                    f"type=disk, mode=volatile, path={media.get('usb', 'own')}")

    for model in MODELS:
        yield f"CD {model}", lambda log, model=model: disc(log, model)
    yield "disk tigerlake", lambda log: disk(log, "tigerlake")
