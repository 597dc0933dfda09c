# SPDX-License-Identifier: MIT
#
# The page tables and control registers of the running machine, seen by QEMU from outside
# nothing writable and executable, the user bit in the lower half only, page 0 not
# mapped, every protection of the processor switched on.
import os
import re
import socket
import subprocess
import time

from harness import BUSYBOX, RUN, Failure, case

PROMPT = b"(qemu) "
UPPER = 1 << 47
CR0_WP = 1 << 16
CR4 = {"UMIP": 11, "SMEP": 20, "SMAP": 21}
EFER_NXE = 1 << 11
ENTRY = re.compile(r"^([0-9a-f]{16}): [0-9a-f]{16} ([-A-Z]{9})", re.MULTILINE)


class Monitor:
    """QEMU's monitor on a socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(path)
        self.answer()

    def answer(self):
        text = b""
        while not text.endswith(PROMPT):
            data = self.socket.recv(1 << 16)
            if not data:
                raise Failure("QEMU hung up")
            text += data
        return text.decode(errors="replace").replace("\r", "")

    def ask(self, command):
        self.socket.sendall(command.encode() + b"\n")
        return self.answer()


def while_running(work):
    """(entries, registers) of a machine whose program sleeps."""
    path = os.path.join(work, "monitor")
    command = [RUN, "-t", "60", "--qemu=-monitor", f"--qemu=unix:{path},server=on,wait=off",
               "--", BUSYBOX, "sh", "-c", "echo here; sleep 50"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as machine:
        try:
            if machine.stdout.readline() != b"here\n":
                raise Failure("the program did not start")
            time.sleep(0.2)
            monitor = Monitor(path)
            return monitor.ask("info tlb"), monitor.ask("info registers")
        finally:
            machine.terminate()


def check_entry(address, flags):
    """Flags as QEMU prints them: X (no execute) G P D A C T U W."""
    upper = address >= UPPER
    if "W" in flags and "X" not in flags:
        raise Failure(f"{address:#x} is writable and executable")
    if upper == ("U" in flags):
        raise Failure(f"{address:#x}: flags {flags}")
    if address < 0x10000:
        raise Failure(f"{address:#x} is mapped")


@case
def tables(work):
    """R-52: no writable code, user bit below only, WP, NXE, SMEP, SMAP, UMIP"""
    entries, registers = while_running(work)
    found = [(int(m[1], 16), m[2]) for m in ENTRY.finditer(entries)]
    for address, flags in found:
        check_entry(address, flags)
    code = [a for a, flags in found if a >= UPPER and "X" not in flags]
    if not code or len(code) == len(found):
        raise Failure(f"{len(code)} executable of {len(found)} entries: not plausible")
    value = {n: int(v, 16) for n, v in re.findall(r"\b(CR0|CR4|EFER)=([0-9a-f]+)", registers)}
    if not value["CR0"] & CR0_WP or not value["EFER"] & EFER_NXE:
        raise Failure("WP or NXE is off")
    for name, bit in CR4.items():
        if not value["CR4"] >> bit & 1:
            raise Failure(f"{name} is off")
