# SPDX-License-Identifier: MIT
#
# Firmware x medium x machine x loader: every combination that can exist boots and runs init's
# selftest, which ends with QEMU status 33 only when all of it passed. README.md says why the
# others cannot exist.
import itertools

import machine
from media import Media

BIOS_SECONDS, UEFI_SECONDS = 240, 300
MICROVM = ["-machine", "microvm"]
MICROVM_BIOS = MICROVM + ["-bios", "/usr/share/seabios/bios-microvm.bin"]
QBOOT = ["-bios", "qboot.rom"]


def disc(path):
    return ["-cdrom", path]


def disk(path):
    return ["-drive", f"file={path},format=raw,snapshot=on"]


def stick(path):
    return ["-drive", f"if=none,id=stick,format=raw,snapshot=on,file={path}",
            "-device", "qemu-xhci,id=xhci",
            "-device", "usb-storage,bus=xhci.0,drive=stick,removable=on"]


def directory(path):
    """QEMU shows a host directory as a disk with a FAT file system."""
    return ["-drive", f"if=none,id=dir,format=raw,readonly=on,file=fat:{path}",
            "-device", "virtio-blk-pci,drive=dir"]


# microvm has virtio without PCI, and nothing else to start from.
def scsi_disc(path):
    return ["-drive", f"if=none,id=disc,media=cdrom,format=raw,readonly=on,file={path}",
            "-device", "virtio-scsi-device", "-device", "scsi-cd,drive=disc"]


def virtio_disk(path):
    return ["-drive", f"if=none,id=disk,format=raw,snapshot=on,file={path}",
            "-device", "virtio-blk-device,drive=disk"]


# medium: (QEMU arguments of a path, what the path is)
MEDIA = {"CD": (disc, "iso"), "stick": (stick, "usb"), "stick with the ISO": (stick, "iso"),
         "disk": (disk, "usb"), "directory": (directory, "tree"),
         "SCSI CD": (scsi_disc, "iso"), "virtio disk": (virtio_disk, "usb")}
PC_MEDIA = ("CD", "stick", "stick with the ISO", "disk", "directory")
DISK_NAME = {"pc": "IDE disk", "q35": "SATA disk"}


def pvh(name, arguments):
    return f"PVH direct {name}", arguments, None, None, BIOS_SECONDS


def rows():
    """(name, arguments, medium, loader, seconds)"""
    yield pvh("SeaBIOS pc", ["-machine", "pc"])
    yield pvh("SeaBIOS q35", ["-machine", "q35"])
    yield pvh("qboot pc", ["-machine", "pc"] + QBOOT)
    yield pvh("qboot q35", ["-machine", "q35", "-nodefaults"] + QBOOT)
    yield pvh("qboot microvm", MICROVM)
    for medium in ("SCSI CD", "virtio disk"):
        yield f"GRUB SeaBIOS {medium} microvm", MICROVM_BIOS, medium, "own", BIOS_SECONDS
    for medium, model in itertools.product(PC_MEDIA, ("pc", "q35")):
        where = f"{DISK_NAME[model] if medium == 'disk' else medium} {model}"
        base = ["-machine", model]
        if medium != "directory":
            yield f"GRUB SeaBIOS {where}", base, medium, "own", BIOS_SECONDS
        for name, loader in (("own loader", "own"), ("GRUB", "grub")):
            yield f"{name} OVMF {where}", base + machine.OVMF, medium, loader, UEFI_SECONDS


def cases(build, work):
    media = Media(build, work)
    kernel = ["-kernel", f"{build}/release/kernel.elf", "-initrd", f"{build}/small.cpio",
              "-append", "selftest"]

    def boot(log, arguments, medium, loader, seconds):
        if medium:
            flags, kind = MEDIA[medium]
            arguments = arguments + flags(media.get(kind, loader))
        else:
            arguments = arguments + kernel
        return machine.selftest(["-m", "512", "-cpu", "max"] + arguments, log, seconds)

    for name, *rest in rows():
        yield name, lambda log, rest=rest: boot(log, *rest)
    yield from shipped(build)


def shipped(build):
    """The images as they are given away, menus and all; a shell is typed at."""
    iso, usb = f"{build}/tessera.iso", f"{build}/tessera.img"
    base = ["-machine", "q35", "-m", "512", "-cpu", "max"]
    for name, arguments, seconds in (
            ("tessera.iso SeaBIOS CD", disc(iso), BIOS_SECONDS),
            ("tessera.img SeaBIOS stick", stick(usb), BIOS_SECONDS),
            ("tessera.iso OVMF CD", machine.OVMF + disc(iso), UEFI_SECONDS),
            ("tessera.img OVMF stick", machine.OVMF + stick(usb), UEFI_SECONDS)):
        yield name, lambda log, a=arguments, s=seconds: machine.boot_to_shell(base + a, log, s)
