# SPDX-License-Identifier: MIT
#
# Machines with several processors: they are found and started, by every way to boot; the
# command line, the tables and the memory may allow fewer. A panic on one shows all.
import ctypes
import glob
import os
import re
import time

import machine
from matrix import BIOS_SECONDS, UEFI_SECONDS, disc, stick
from media import Media

SECONDS = 240


def kernel(build, words="", archive="small.cpio"):
    return ["-kernel", f"{build}/release/kernel.elf", "-initrd", f"{build}/{archive}",
            "-append", words]


def selftest(args, log, seconds, lines):
    """None when the selftest passed and the log has a match of each line."""
    wrong = machine.selftest(args, log, seconds)
    if wrong:
        return wrong
    with open(log, encoding="utf-8", errors="replace") as f:
        text = f.read()
    for line in lines:
        if not re.search(line, text):
            return f"the log lacks {line!r}"
    return None


def started(build):
    """(name, QEMU arguments, words for the kernel, lines of the log)"""
    for n in (2, 3, 4, 8, 16, 64):
        yield f"{n} processors", ["-smp", str(n)], "", [f"smp: {n} processors, using {n}"]
    yield "4 processors of a PC of 1996", ["-M", "pc", "-smp", "4"], "", ["using 4"]
    yield ("2 packages of 2 cores of 2 threads", ["-smp", "8,sockets=2,cores=2,threads=2"], "",
           ["smp: 8 processors, using 8"])
    yield "100 processors", ["-smp", "100"], "", ["smp: 100 processors, using 64"]
    yield ("2 processors and room for 6", ["-smp", "2,maxcpus=8"], "",
           ["smp: 2 processors, using 2"])
    yield "nosmp", ["-smp", "4"], "nosmp", ["smp: 4 processors, using 1"]
    for n, used in (("0", 1), ("1", 1), ("2", 2), ("3", 3), ("4", 4), ("1000", 4)):
        yield (f"maxcpus={n}", ["-smp", "4"], f"maxcpus={n}",
               [f"smp: 4 processors, using {used}"])
    yield ("maxcpus is no number", ["-smp", "2"], "maxcpus=two",
           ["maxcpus=two is no number", "using 2"])
    yield "noacpi", ["-smp", "4"], "noacpi", ["acpi: switched off"]
    yield "16 MiB", ["-smp", "64", "-m", "16"], "", ["smp: 64 processors, using"]
    yield "qboot", ["-smp", "4", "-bios", "qboot.rom", "-nodefaults"], "", ["using 4"]
    yield "microvm", ["-M", "microvm", "-smp", "4"], "", ["using 4"]
    yield "counted instructions", ["-smp", "4", "-icount", "shift=6,sleep=off"], "", ["using 4"]


PTRACE_ATTACH, PTRACE_DETACH = 16, 17


def hold(pid, name, seconds):
    """Stops one thread of a process, as a busy host does. False: there is none of that name."""
    libc = ctypes.CDLL(None)
    for path in glob.glob(f"/proc/{pid}/task/*/comm"):
        with open(path, encoding="ascii") as f:
            if not f.read().startswith(name):
                continue
        tid = int(path.split("/")[4])
        if libc.ptrace(PTRACE_ATTACH, tid, None, None):
            return False
        os.waitpid(tid, 0x40000000)  # __WALL
        time.sleep(seconds)  # what is tested: no event says that it was long enough
        libc.ptrace(PTRACE_DETACH, tid, None, None)
        return True
    return False


def late(build, log):
    """A processor that comes 3 seconds late runs with the others."""
    args = ["-M", "q35", "-cpu", "max", "-m", "256", "-smp", "4", "-name", "late,debug-threads=on"]
    with machine.Machine(args + kernel(build), log, SECONDS) as m:
        if m.expect("Tessera") is None:
            return "the kernel did not start"
        if not hold(m.process.pid, "CPU 3", 3):
            return "the processor could not be held"
        if m.expect("smp: 4 processors, using 4", seconds=60) is None:
            return "not all four run"
    return None


CRASH = "echo c > /proc/sysrq-trigger"


def crash(build, log):
    """Each processor stands in the report once, with its registers where it was interrupted."""
    args = ["-M", "q35", "-cpu", "max", "-m", "256", "-smp", "4"]
    with machine.Machine(args + kernel(build, "", "initramfs.cpio"), log, SECONDS) as m:
        if m.expect(machine.PROMPT) is None:
            return "no shell"
        m.type("yes >/dev/null & yes >/dev/null & sleep 1; " + CRASH)
        code = m.wait()
        report = m.text.partition("kernel panic:")[2]
    if code != machine.PANICKED:
        return f"QEMU status {code}, want {machine.PANICKED}"
    for cpu in range(4):
        if len(re.findall(rf"\bcpu {cpu}, ", report)) != 1:
            return f"processor {cpu} is not in the report once"
    if report.count("rip ") != 3 or report.count("backtrace:") != 4:
        return "not each processor's registers and backtrace are there"
    if "does not answer" in report or "end of the panic report" not in report:
        return "the report is not whole"
    return None


def cases(build, work):
    media = Media(build, work)
    base = ["-m", "256", "-cpu", "max"]
    for name, args, words, lines in started(build):
        args = ([] if "-m" in args else ["-m", "256"]) + \
               ([] if "-cpu" in args else ["-cpu", "max"]) + \
               ([] if "-M" in args else ["-M", "q35"]) + args
        yield name, lambda log, args=args, words=words, lines=lines: selftest(
            args + kernel(build, f"selftest {words}"), log, SECONDS, lines)
    for name, firmware, medium, kind, loader, seconds in (
            ("GRUB SeaBIOS CD", [], disc, "iso", "own", BIOS_SECONDS),
            ("own loader OVMF stick", machine.OVMF, stick, "usb", "own", UEFI_SECONDS),
            ("GRUB OVMF CD", machine.OVMF, disc, "iso", "grub", UEFI_SECONDS)):
        yield (f"4 by {name}",
               lambda log, firmware=firmware, medium=medium, kind=kind, loader=loader,
               seconds=seconds: selftest(
                   base + ["-M", "q35", "-smp", "4"] + firmware + medium(media.get(kind, loader)),
                   log, seconds, ["smp: 4 processors, using 4"]))
    yield "one of 4 comes late", lambda log: late(build, log)
    yield "panic on one of 4", lambda log: crash(build, log)
