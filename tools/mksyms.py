#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Symbol table for the kernel's backtraces: mksyms.py NM KERNEL_ELF OUTPUT.asm
#
# Reads the functions of a linked kernel and writes the NASM source of section .ksyms,
# which a second link adds behind all text and read-only data, so that no function moves.
# The layout is described in arch/x86_64/cpu/symbols.c.
import hashlib
import re
import struct
import subprocess
import sys

KERNEL_BASE = 0xFFFFFFFF80000000

# "function.label" is a local label of NASM; the compiler's copies of functions stay.
PLAIN = re.compile(r"[A-Za-z_$][\w$]*(\.(constprop|isra|part|cold|llvm)[\w.]*)?")


def functions(nm, elf):
    """(address, name) of every function, ascending, one name for each address."""
    text = subprocess.check_output([nm, "-n", elf], text=True)
    found = {}
    for line in text.splitlines():
        parts = line.split()
        if len(parts) != 3 or parts[1] not in "tT" or not PLAIN.fullmatch(parts[2]):
            continue
        address = int(parts[0], 16)
        if address >= KERNEL_BASE:
            found[address] = parts[2]
    return sorted(found.items())


def build_id(elf):
    """Eleven digits that tell one image from another: a hash of what is loaded of it."""
    with open(elf, "rb") as f:
        data = f.read()
    at, entry, count = *struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54)
    digest = hashlib.sha256()
    for i in range(count):
        kind, _, offset = struct.unpack_from("<IIQ", data, at + i * entry)
        size, = struct.unpack_from("<Q", data, at + i * entry + 32)
        if kind == 1:
            digest.update(data[offset:offset + size])
    return digest.hexdigest()[:11]


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: mksyms.py NM KERNEL_ELF OUTPUT.asm")
    nm, elf, output = sys.argv[1:]
    names, at = [], 0
    lines = ["section .ksyms progbits alloc noexec nowrite align=16"]
    symbols = functions(nm, elf)
    lines.append(f"    dd {len(symbols)}")
    lines.append(f'    db "{build_id(elf)}", 0')
    for address, name in symbols:
        lines.append(f"    dd 0x{address - KERNEL_BASE:x}, {at}")
        names.append(f'    db "{name}", 0')
        at += len(name) + 1
    with open(output, "w", encoding="ascii") as out:
        out.write("\n".join(lines + names) + "\n")


if __name__ == "__main__":
    main()
