# SPDX-License-Identifier: MIT
#
# Machines that lack or add something: all enter by PVH, run init's selftest on the small
# archive and must log the lines named here. Where status is 33 the end came through
# isa-debug-exit; the others have no such device, so only a real power-off or reset ends
# QEMU, and a reset must not have been a triple fault.
import os
import re
import subprocess

QEMU = ["qemu-system-x86_64", "-accel", "tcg", "-display", "none", "-nic", "none",
        "-no-reboot"]
DEBUG_EXIT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
SERIAL = ["-serial", "stdio"]
SECONDS = 240
PASSED = "selftest: passed"
OFF, RESET = "off", "reset"


def cpu_cases():
    """Whole models, then a feature less; what the log says is missing, or why it stops."""
    for model in ("qemu64", "Nehalem", "Skylake-Client", "EPYC", "max", "core2duo",
                  "Opteron_G1"):
        yield f"cpu {model}", ["-M", "q35", "-cpu", model], [PASSED], 33
    for base in ("max", "EPYC"):
        for name in ("nx", "smap", "smep", "pge", "xsave", "avx"):
            yield (f"cpu {base} without {name}", ["-M", "q35", "-cpu", f"{base},-{name}"],
                   [rf"features missing:.* {name}\b", PASSED], 33)
        for name in ("pcid", "fsgsbase", "x2apic"):
            yield (f"cpu {base} without {name}", ["-M", "q35", "-cpu", f"{base},-{name}"],
                   [PASSED], 33)
        yield (f"cpu {base} without apic", ["-M", "q35", "-cpu", f"{base},-apic"],
               ["time: timer PIT", PASSED], 33)
        for name in ("fxsr", "sse2", "syscall"):
            yield (f"cpu {base} without {name}", ["-M", "q35", "-cpu", f"{base},-{name}"],
                   [f"cpu: this CPU has no {name.upper()}"], 255)


def machine_cases():
    yield ("legacy-free", ["-M", "q35,i8042=off,pit=off,hpet=off,sata=off,smbus=off,"
           "vmport=off"], ["TSC .* by PM timer", PASSED], 33)
    yield "hpet", ["-M", "q35"], ["TSC .* by HPET", PASSED], 33
    yield ("no acpi", ["-M", "pc,acpi=off,hpet=off"],
           ["acpi: none found", "TSC .* by PIT", PASSED], 33)
    yield ("noacpi", ["-M", "q35", "+noacpi"],
           ["acpi: switched off by noacpi", "TSC .* by PIT", PASSED], 33)
    yield ("no counter but the CMOS clock", ["-M", "pc,acpi=off,hpet=off,pit=off"],
           ["TSC .* by CMOS clock"], 33)
    yield "no serial", ["-M", "q35", "-serial", "none", "-debugcon", "stdio"], [PASSED], 33
    yield ("300 GiB", ["-M", "q35,memory-backend=ram", "-object",
           "memory-backend-ram,id=ram,size=300G,reserve=off", "-m", "300G"],
           [r"\b307\d\d\d MiB of memory", PASSED], 33)
    yield "6 GiB", ["-M", "q35", "-m", "6G"], [r"\b61\d\d MiB of memory", PASSED], 33
    yield ("hole at 1 GiB", ["-M", "pc,max-ram-below-4g=1G", "-m", "4G"],
           [r"\b40\d\d MiB of memory", PASSED], 33)
    yield ("numa", ["-M", "q35", "-m", "512", "-object",
           "memory-backend-ram,id=a,size=256M", "-object",
           "memory-backend-ram,id=b,size=256M", "-numa", "node,memdev=a", "-numa",
           "node,memdev=b"], [PASSED], 33)
    yield "46 address bits", ["-M", "q35", "-cpu", "max,phys-bits=46"], [PASSED], 33
    yield "la57 stays off", ["-M", "q35", "-cpu", "max,la57=on"], [PASSED], 33


def end_cases():
    for machine, way in (("q35", "PM1"), ("pc", "PM1"),
                         ("microvm", "sleep control register")):
        yield (f"power-off {machine}", ["-M", machine],
               [f"power off by {way}", PASSED, "power off$"], OFF)
    for machine, way in (("q35", "FADT"), ("pc", "chipset"), ("microvm", "FADT")):
        yield (f"reset {machine}", ["-M", machine], [f"reset by {way}", "restarting"], RESET)


def command_line(build, args, end):
    words = [a[1:] for a in args if a.startswith("+")]
    args = [a for a in args if not a.startswith("+")]
    cmd = QEMU + (DEBUG_EXIT if isinstance(end, int) else [])
    cmd += [] if "-serial" in args else SERIAL
    cmd += [] if "-cpu" in args else ["-cpu", "max"]
    cmd += [] if "-m" in args else ["-m", "64"]
    # Without the suite in its archive, init's selftest fails and asks for a restart.
    archive = "initramfs.cpio" if end == RESET else "small.cpio"
    return cmd + args + ["-kernel", f"{build}/release/kernel.elf", "-initrd",
                         f"{build}/{archive}", "-append", " ".join(["selftest"] + words)]


def boot(build, name, args, lines, end):
    """None, or what was wrong."""
    log = os.path.join(build, "logs", "machine-" + name.replace(" ", "-") + ".log")
    resets = log + ".resets"
    cmd = command_line(build, args, end) + ["-d", "cpu_reset", "-D", resets]
    try:
        result = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as e:
        with open(log, "wb") as f:
            f.write(e.stdout or b"")
        return f"no end after {SECONDS} s; log {log}"
    with open(log, "wb") as f:
        f.write(result.stdout)
    with open(resets, encoding="utf-8", errors="replace") as f:
        triple = "Triple fault" in f.read()
    os.remove(resets)
    text = result.stdout.decode(errors="replace").replace("\r", "")
    want = end if isinstance(end, int) else 0
    if result.returncode != want:
        return f"QEMU status {result.returncode}, want {want}; log {log}"
    if triple:
        return f"the end was a triple fault; log {log}"
    for line in lines:
        if not re.search(line, text, re.MULTILINE):
            return f"the log lacks /{line}/; log {log}"
    return None
