# SPDX-License-Identifier: MIT
#
# What a boot costs: guest instructions from the firmware's hand-over to the shell, counted by
# QEMU, and the size of the kernel. QEMU counts executed instructions exactly when it records
# an execution; the number is the same in every run. The firmware's part is counted with the
# same machine and a kernel that ends at its first instruction, and taken off.
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))

import image
import machine
from mkinitrd import Initramfs

SECONDS = 240
MILLIONS_MAX = 60
KERNEL_MAX = 1 << 20
FLAGS = ["-machine", "q35", "-m", "256", "-cpu", "max", "-no-shutdown"]


def count(kernel, archive, log, record):
    """Instructions until the machine is switched off; it has no exit port, so that QEMU stays
    to be asked. (number, None) or (None, what was wrong)."""
    flags = FLAGS + ["-icount", f"shift=0,rr=record,rrfile={record}", "-kernel", kernel,
                     "-initrd", archive]
    with machine.Machine(flags, log, SECONDS, qmp=True, exit_port=False) as m:
        end = time.monotonic() + SECONDS
        try:
            while m.execute("query-status")["status"] != "shutdown":
                if time.monotonic() > end:
                    return None, f"no end after {SECONDS} s"
                time.sleep(0.05)
            return int(m.monitor("info replay").split("count = ")[1]), None
        except RuntimeError as error:
            return None, str(error)
        finally:
            os.unlink(record)


def shell_that_ends(build, work):
    """The standard archive with a shell that switches off where it would show its prompt."""
    fs = Initramfs()
    with open(f"{build}/initramfs.cpio", "rb") as f:
        fs.read(f.read())
    fs.file("etc/profile", fs.entries["etc/profile"][1] + b"poweroff -f\n")
    path = os.path.join(work, "shell-that-ends.cpio")
    with open(path, "wb") as f:
        f.write(fs.write())
    return path


def to_the_shell(build, work, log):
    archive = shell_that_ends(build, work)
    none = image.Image(image.Kernel(f"{build}/release/kernel.elf", work))
    none.power_off()
    none.write(os.path.join(work, "none.elf"))
    counts = []
    for kernel in (os.path.join(work, "none.elf"), f"{build}/release/kernel.elf"):
        number, wrong = count(kernel, archive, log, os.path.join(work, "record"))
        if wrong:
            return wrong
        counts.append(number)
    with open(log, encoding="utf-8", errors="replace") as f:
        if "built-in shell" not in f.read():
            return "no shell was reached: a machine that panics is off as well"
    firmware, all_of_it = counts
    millions = (all_of_it - firmware) / 1e6
    print(f"# {millions:.1f} million instructions from the hand-over to the shell, "
          f"{firmware / 1e6:.1f} million of the firmware before", flush=True)
    if millions > MILLIONS_MAX:
        return f"{millions:.1f} million instructions to the shell, want {MILLIONS_MAX}"
    return None


def kernel_size(build, work):
    stripped = os.path.join(work, "stripped.elf")
    subprocess.run(["strip", "-o", stripped, f"{build}/release/kernel.elf"], check=True)
    nbytes = os.path.getsize(stripped)
    print(f"# the stripped kernel has {nbytes} bytes", flush=True)
    return None if nbytes <= KERNEL_MAX else f"{nbytes} bytes, want {KERNEL_MAX}"


def cases(build, work):
    yield "instructions to the shell", lambda log: to_the_shell(build, work, log)
    yield "size of the kernel", lambda log: kernel_size(build, work)
