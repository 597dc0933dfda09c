#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Makes boot media out of a directory (the EFI system partition's contents), without root and
# without loop devices: mkimage.py iso|usb -o OUT DIR
#   iso   disc and stick in one: El Torito for BIOS (GRUB) and UEFI, GPT with the partition
#   usb   GPT disk: GRUB for BIOS in a partition of its own, and a FAT32 partition
# The same directory gives the same bytes: dates, numbers and the order of files are fixed.
import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile

DATE = os.environ.get("SOURCE_DATE_EPOCH", "1735689600")  # 2025-01-01
ENV = dict(os.environ, SOURCE_DATE_EPOCH=DATE, TZ="UTC", LC_ALL="C", MTOOLS_SKIP_CHECK="1",
           PATH=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
GRUB = "/usr/lib/grub/i386-pc"
GRUB_MODULES = ("biosdisk part_gpt part_msdos fat iso9660 multiboot2 all_video serial "
                "terminal normal test echo ls cat reboot halt").split()
SERIAL = "54455353"  # of the FAT file systems
DISK_ID, GRUB_ID, ESP_ID = (f"7e55e7a0-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
SECTOR, MIB = 512, 1 << 20
CORE_SECTOR, ESP_SECTOR = 34, 2048
USB_SIZE = 64 * MIB


class Failed(Exception):
    pass


def call(*command):
    result = subprocess.run(command, env=ENV, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Failed(f"{' '.join(command)}\n{result.stdout}{result.stderr}")


def tree(top):
    """(directories, files) below top, as sorted relative paths."""
    dirs, files = [], []
    for where, inner, names in os.walk(top):
        dirs += [os.path.relpath(os.path.join(where, d), top) for d in inner]
        files += [os.path.relpath(os.path.join(where, f), top) for f in names]
    return sorted(dirs), sorted(files)


def fill_fat(image, top):
    """Copies the tree to a fresh FAT file system (IMAGE or IMAGE@@OFFSET)."""
    dirs, files = tree(top)
    for d in dirs:
        call("mmd", "-i", image, "::/" + d)
    for f in files:
        call("mcopy", "-m", "-i", image, os.path.join(top, f), "::/" + f)


def stage(source, top):
    """A private copy whose files all have the fixed date."""
    for f in tree(source)[1]:
        os.makedirs(os.path.dirname(os.path.join(top, f)), exist_ok=True)
        shutil.copyfile(os.path.join(source, f), os.path.join(top, f))
    for where, _, names in os.walk(top, topdown=False):
        for name in [*names, "."]:
            os.utime(os.path.join(where, name), (int(DATE), int(DATE)))


def grub_image(kind, prefix, out):
    call("grub-mkimage", "-O", kind, "-p", prefix, "-o", out, *GRUB_MODULES)


def make_iso(top, work, out):
    esp = os.path.join(work, "esp.img")
    total = sum(os.path.getsize(os.path.join(top, f)) for f in tree(top)[1])
    sectors = (total * 102 // 100 + MIB) // SECTOR // 2048 * 2048 + 2048
    call("mformat", "-i", esp, "-C", "-T", str(sectors), "-h", "64", "-s", "32", "-c", "8",
         "-N", SERIAL, "-v", "TESSERA", "::")
    fill_fat(esp, top)
    grub_image("i386-pc-eltorito", "/boot/grub", os.path.join(top, "boot/grub/eltorito.img"))
    stage(top, top + ".iso")
    call("xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-V", "TESSERA",
         "--gpt_disk_guid", DISK_ID, "--set_all_file_dates", "=" + DATE,
         "-b", "boot/grub/eltorito.img", "-no-emul-boot", "-boot-load-size", "4",
         "-boot-info-table", "--grub2-boot-info", "--grub2-mbr", f"{GRUB}/boot_hybrid.img",
         "-append_partition", "2", "0xef", esp, "-appended_part_as_gpt",
         "-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::",
         "-no-emul-boot", "-o", out, top + ".iso")


def put(image, offset, data):
    image.seek(offset)
    image.write(data)


def install_grub(image, core):
    """GRUB's boot code to the first sector, its core to the partition at CORE_SECTOR. The
    offsets are those of GRUB 2's boot.S and diskboot.S."""
    with open(f"{GRUB}/boot.img", "rb") as f:
        boot = bytearray(f.read(440))
    struct.pack_into("<Q", boot, 0x5c, CORE_SECTOR)
    if boot[0x66] != 0xeb:
        raise Failed("boot.img of GRUB is not the one that is known here")
    boot[0x66:0x68] = b"\x90\x90"  # mend the drive number some BIOSes get wrong on disks
    core = bytearray(core)
    if len(core) > (ESP_SECTOR - CORE_SECTOR) * SECTOR:
        raise Failed("GRUB does not fit its partition")
    struct.pack_into("<Q", core, 0x1f4, CORE_SECTOR + 1)  # where its second sector lies
    put(image, 0, boot)
    put(image, CORE_SECTOR * SECTOR, core)


def make_usb(top, work, out):
    core = os.path.join(work, "core.img")
    grub_image("i386-pc", "(,gpt2)/boot/grub", core)
    with open(out, "wb") as f:
        f.truncate(USB_SIZE)
    call("sgdisk", "-a", "1", "-n", f"1:{CORE_SECTOR}:{ESP_SECTOR - 1}", "-t", "1:EF02",
         "-c", "1:GRUB", "-n", f"2:{ESP_SECTOR}:0", "-t", "2:EF00", "-c", "2:TESSERA",
         "-U", DISK_ID, "-u", f"1:{GRUB_ID}", "-u", f"2:{ESP_ID}", out)
    esp = f"{out}@@{ESP_SECTOR * SECTOR}"
    sectors = USB_SIZE // SECTOR - ESP_SECTOR - 33  # behind it the second GPT
    call("mformat", "-i", esp, "-F", "-T", str(sectors), "-h", "64", "-s", "32", "-c", "1",
         "-H", str(ESP_SECTOR), "-N", SERIAL, "-v", "TESSERA", "::")
    fill_fat(esp, top)
    with open(out, "r+b") as image, open(core, "rb") as f:
        install_grub(image, f.read())


def main():
    parser = argparse.ArgumentParser(description="boot media from a directory")
    parser.add_argument("kind", choices=("iso", "usb"))
    parser.add_argument("-o", dest="out", required=True)
    parser.add_argument("dir")
    args = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="tessera-image-") as work:
            top, made = os.path.join(work, "tree"), os.path.join(work, "image")
            stage(args.dir, top)
            {"iso": make_iso, "usb": make_usb}[args.kind](top, work, made)
            shutil.copyfile(made, args.out + ".new")
            os.replace(args.out + ".new", args.out)
    except (Failed, OSError) as error:
        print(f"mkimage: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
