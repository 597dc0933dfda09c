#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The hardware report of QEMU's q35 says what QEMU made: hwreport.py. TAP.
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MEMORY = 192  # MiB, of which firmware and the first MiB take a little
SECTIONS = ("cpu", "boot", "memory", "acpi", "pci", "framebuffer",
            "time and interrupts", "memory in use", "last lines of the kernel's log")
LINES = [(f"section {s}", rf"^\[{re.escape(s)}\]$") for s in SECTIONS] + [
    ("tables", r"^FACP .*\n(.*\n)*APIC .*\n(.*\n)*HPET .*\n(.*\n)*MCFG "),
    ("host bridge", r"^00:00\.0 8086:29c0 060000 host bridge$"),
    ("door", r"^entered by: PVH$"),
    ("command line", r"^command line: loglevel=7 word$"),
    ("processors", r"^processors: 3, used 3$"),
    ("power off", r"^power off: PM1$"),
    ("log", r"acpi: \d+ tables")]


def main():
    run = subprocess.run(
        [os.path.join(TOP, "tools/run"), "-m", str(MEMORY), "-s", "3", "--cmdline",
         "loglevel=7 word", "--", "/bin/busybox", "sh", "-c", "hwreport"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120)
    text = run.stdout
    ram = re.search(r"^RAM: (\d+) KiB$", text, re.MULTILINE)
    kib = int(ram[1]) if ram else 0
    results = [("status 0", run.returncode == 0),
               ("memory", (MEMORY - 2) * 1024 <= kib <= MEMORY * 1024)]
    results += [(n, re.search(p, text, re.MULTILINE) is not None) for n, p in LINES]
    print(f"TAP version 13\n1..{len(results)}")
    for number, (name, good) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - hwreport: {name}")
    failed = sum(not good for _, good in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
