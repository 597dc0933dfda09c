#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The boot media without booting them: image.py BUILD_DIR. The same directory gives the same
# bytes, its files can be read back, the partition table is right, the kernel is small and
# has its doors; tools/usb-write refuses what it must, told by a made-up sysfs; and the script that
# boots a release says what is so. TAP.
import filecmp
import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENV = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
SIZE = 1 << 20  # of the image that is not written
FILES = ("EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/GRUBX64.EFI", "boot/kernel.elf",
         "boot/initramfs.cpio", "boot/tessera.cfg", "boot/grub/grub.cfg")


def run(*command, answer=""):
    return subprocess.run(command, input=answer, env=ENV, capture_output=True, text=True,
                          check=False)


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def same_bytes(build, work):
    """Both media again, from a copy with other dates, elsewhere and later."""
    copy = f"{work}/a place of its own"
    shutil.copytree(f"{build}/esp", copy)
    for where, _, names in os.walk(copy):
        for name in names:
            os.utime(f"{where}/{name}", (time.time() + 5000, time.time() + 5000))
    for kind, name in (("iso", "tessera.iso"), ("usb", "tessera.img")):
        made = run(f"{TOP}/tools/mkimage.py", kind, "-o", f"{work}/{name}", copy)
        check(made.returncode == 0, made.stderr)
        check(filecmp.cmp(f"{work}/{name}", f"{build}/{name}", shallow=False),
              f"{name} differs")


def files_read_back(build, work):
    for name in FILES:
        got = run("mcopy", "-n", "-i", f"{build}/tessera.img@@1M", f"::/{name}",
                  f"{work}/file")
        check(got.returncode == 0, f"{name}: {got.stderr}")
        check(filecmp.cmp(f"{work}/file", f"{build}/esp/{name}", shallow=False),
              f"{name} differs")
        os.unlink(f"{work}/file")


def partition_table(build, _):
    table = run("sgdisk", "-v", "-p", f"{build}/tessera.img").stdout
    check("No problems found" in table, table)
    check("EF02" in table and "EF00" in table, table)


def kernel_is_small(build, _):
    kernel = f"{build}/esp/boot/kernel.elf"
    check(os.path.getsize(kernel) <= 1 << 20, "more than 1 MiB")
    check(run("grub-file", "--is-x86-multiboot2", kernel).returncode == 0, "no multiboot2")
    notes = run("readelf", "-nW", kernel).stdout
    check("Xen" in notes and "Tessera" in notes, notes)


def make_sys(work, **changes):
    """A sysfs with a disk `sdz` of one partition, and a list of mounts."""
    top = tempfile.mkdtemp(dir=work)
    values = {"size": "15728640", "removable": "1", "ro": "0", "device/vendor": "ACME",
              "device/model": "Stick", "sdz1/partition": "1", "sdz1/size": "100"}
    values.update(changes)
    for name, value in values.items():
        path = f"{top}/class/block/sdz/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as f:
            f.write(value + "\n")
    os.symlink("sdz/sdz1", f"{top}/class/block/sdz1")
    return top


def usb_write(work, sys_dir, device, mounts="", args=("--check",), answer="", swaps=""):
    with open(f"{work}/swaps", "w", encoding="ascii") as f:
        f.write("Filename Type Size Used Priority\n" + swaps)
    with open(f"{work}/mounts", "w", encoding="ascii") as f:
        f.write("proc /proc proc rw 0 0\n" + mounts)
    with open(f"{work}/small.img", "wb") as f:
        f.truncate(SIZE)
    return run(f"{TOP}/tools/usb-write", *args, "--sys", sys_dir, "--mounts",
               f"{work}/mounts", f"{work}/small.img", device, answer=answer)


def refused(result, why):
    check(result.returncode == 1 and why in result.stderr,
          f"want '{why}', got {result.returncode}: {result.stdout}{result.stderr}")


def write_shows_device(_, work):
    result = usb_write(work, make_sys(work), "/dev/sdz")
    check(result.returncode == 0, result.stderr)
    check("ACME Stick, 8.1 GB" in result.stdout, result.stdout)


def write_refuses(_, work):
    good = make_sys(work)
    refused(usb_write(work, good, "/dev/sdz1"), "partition")
    refused(usb_write(work, good, "/dev/sdy"), "no such device")
    refused(usb_write(work, good, f"{work}/mounts"), "not a block device")
    refused(usb_write(work, good, "/dev/null"), "not a block device")
    refused(usb_write(work, good, "/dev/sdz", "/dev/sdz1 /media/x vfat rw 0 0\n"),
            "/dev/sdz1 on /media/x")
    refused(usb_write(work, good, "/dev/sdz", "/dev/sdz / ext4 rw 0 0\n"), "in use")
    refused(usb_write(work, good, "/dev/sdz", swaps="/dev/sdz1 partition 9 0 -2\n"), "in use")
    refused(usb_write(work, make_sys(work, removable="0"), "/dev/sdz"), "not removable")
    refused(usb_write(work, make_sys(work, ro="1"), "/dev/sdz"), "write-protected")
    refused(usb_write(work, make_sys(work, size="2047"), "/dev/sdz"), "the image needs")
    held = make_sys(work, **{"sdz1/holders/dm-0": ""})
    refused(usb_write(work, held, "/dev/sdz"), "dm-0")
    held = make_sys(work, **{"holders/md0": ""})
    refused(usb_write(work, held, "/dev/sdz"), "md0")


def write_asks(_, work):
    """A wrong answer stops; after the right one the node itself is checked."""
    good, node = make_sys(work), f"{work}/sdz"
    with open(node, "w", encoding="ascii") as f:
        f.write("precious")
    for answer in ("", "y\n", "/dev/sdz\n"):
        refused(usb_write(work, good, node, args=(), answer=answer), "not confirmed")
    refused(usb_write(work, good, node, args=(), answer="sdz\n"), "not a block device")
    with open(node, encoding="ascii") as f:
        check(f.read() == "precious", "the file was written")


def write_copies(build, work):
    """The copying itself, to a file: there is no block device to lose here."""
    loader = importlib.machinery.SourceFileLoader("usb_write", f"{TOP}/tools/usb-write")
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("usb_write", loader))
    sys.dont_write_bytecode = True  # not beside the program
    loader.exec_module(module)
    fd = os.open(f"{work}/copy", os.O_WRONLY | os.O_CREAT)
    with open(f"{build}/tessera.img", "rb") as image:
        module.write(image, fd)
    os.close(fd)
    check(filecmp.cmp(f"{work}/copy", f"{build}/tessera.img", shallow=False), "it differs")


def release_boot(build, work):
    """The script of a release, here with a kernel and a small archive alone: it boots them, and says so
    when one is not what was released, or does not boot."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=work))
    shutil.copy2(f"{build}/esp/boot/kernel.elf", folder / "kernel.elf")
    shutil.copy2(f"{build}/small.cpio", folder / "initramfs.cpio")
    shutil.copy2(f"{TOP}/tools/release-boot", folder)
    data = (folder / "kernel.elf").read_bytes()

    def tells(kernel, sums, status, *lines):
        (folder / "kernel.elf").write_bytes(kernel)
        if sums:
            made = subprocess.run("sha256sum *.* >SHA256SUMS", shell=True, cwd=folder, check=False)
            check(made.returncode == 0, "no sums")
        done = run(str(folder / "release-boot"), "kernel")
        told = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
        check(done.returncode == status and told == list(lines), done.stdout + done.stderr)

    tells(data, True, 0, "files: OK", "kernel: OK")
    tells(data[:-1] + bytes([data[-1] ^ 1]), False, 1, "files: failed, they are not what was released")
    tells(data[:5000], True, 1, "files: OK", "kernel: failed; the end of what it said:")


CASES = (same_bytes, files_read_back, partition_table, kernel_is_small, write_shows_device,
         write_refuses, write_asks, write_copies, release_boot)


def main():
    build = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
    failed = 0
    print(f"TAP version 13\n1..{len(CASES)}", flush=True)
    for number, case in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory(prefix="tessera-image-") as work:
            try:
                case(build, work)
                print(f"ok {number} - image {case.__name__}", flush=True)
            except (AssertionError, OSError) as wrong:
                failed += 1
                text = str(wrong).replace("\n", "\n# ")
                print(f"not ok {number} - image {case.__name__}\n# {text}", flush=True)
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
