#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Boots every door: boot.py BUILD_DIR. PVH with several sizes of memory and poorer CPUs,
# the ISO under SeaBIOS and OVMF as a disc and as a disk. A PVH machine runs init's selftest,
# which switches off with QEMU status 33 only when every case passed; on the ISO the same is
# typed at the shell's prompt. TAP on standard output.
import os
import shutil
import subprocess
import sys
import tempfile
import threading

COMMON = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-display", "none",
          "-nic", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
PROMPT = b"tessera:~# "
TYPED = "suite t_mmap t_remap_basic t_process && echo selftest: passed && poweroff"
OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"


def run(args, log, seconds, command):
    """QEMU's status, or None when it took too long. `command` is typed at the prompt."""
    process = subprocess.Popen(COMMON + ["-serial", "stdio"] + args, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    watchdog = threading.Timer(seconds, process.kill)
    watchdog.start()
    text = b""
    with open(log, "wb") as f:
        while data := os.read(process.stdout.fileno(), 4096):
            f.write(data)
            text += data
            if command and PROMPT in text:
                process.stdin.write(command.encode() + b"\n")
                process.stdin.flush()
                command = None
    code = process.wait()
    watchdog.cancel()
    return None if code == -9 else code


def boot(args, log, seconds, command):
    """None when the machine passed, else what was wrong."""
    code = run(args, log, seconds, command)
    if code is None:
        return f"no end after {seconds} s"
    with open(log, encoding="utf-8", errors="replace") as f:
        text = f.read()
    if code != 33:
        return f"QEMU status {code}, want 33"
    if "Tessera" not in text or "selftest: passed" not in text:
        return "the log lacks the kernel's name or the passed selftest"
    return None


def machines(build, work):
    kernel, initrd = f"{build}/release/kernel.elf", f"{build}/iso.cpio"
    iso = f"{build}/tessera.iso"
    pvh = ["-kernel", kernel, "-initrd", initrd, "-append", "selftest"]
    small = ["-kernel", kernel, "-initrd", f"{build}/small.cpio", "-append", "selftest"]
    yield "pvh 16M small archive", ["-m", "16", "-cpu", "max"] + small, 60, None
    for memory in ("64M", "256M", "4G", "6G"):
        yield f"pvh {memory}", ["-m", memory, "-cpu", "max"] + pvh, 60, None
    yield "pvh qemu64", ["-m", "256M", "-cpu", "qemu64"] + pvh, 60, None
    yield "pvh qemu64 without nx", ["-m", "256M", "-cpu", "qemu64,-nx"] + pvh, 60, None
    disc = ["-m", "512M", "-cpu", "max", "-cdrom", iso]
    disk = ["-m", "512M", "-cpu", "max", "-drive", f"file={iso},format=raw,snapshot=on"]
    yield "iso SeaBIOS disc", disc, 90, TYPED
    yield "iso SeaBIOS disk", disk, 90, TYPED
    for name, medium in (("disc", disc), ("disk", disk)):
        # Fresh variables: the firmware remembers where it booted from.
        variables = f"{work}/vars-{name}.fd"
        shutil.copy(OVMF_VARS, variables)
        ovmf = ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF_CODE}",
                "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
        yield f"iso OVMF {name}", ovmf + medium, 180, TYPED


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    wanted = sys.argv[2:]
    logs = os.path.join(build, "logs")
    os.makedirs(logs, exist_ok=True)
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="tessera-boot-") as work:
        chosen = [m for m in machines(build, work)
                if not wanted or any(w in m[0] for w in wanted)]
        print(f"TAP version 13\n1..{len(chosen)}", flush=True)
        for number, (name, args, seconds, command) in enumerate(chosen, 1):
            log = os.path.join(logs, "boot-" + name.replace(" ", "-") + ".log")
            wrong = boot(args, log, seconds, command)
            if wrong:
                print(f"not ok {number} - boot {name} # {wrong}; log {log}", flush=True)
                failed += 1
            else:
                print(f"ok {number} - boot {name}", flush=True)
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
