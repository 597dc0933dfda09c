#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Symbol table for the kernel's backtraces: mksyms.py NM KERNEL_ELF OUTPUT.asm
#
# Reads the functions of a linked kernel and writes the NASM source of section .ksyms,
# which a second link adds behind all text and read-only data, so that no function moves.
# The layout is described in arch/x86_64/cpu/symbols.c.
import re
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


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: mksyms.py NM KERNEL_ELF OUTPUT.asm")
    nm, elf, output = sys.argv[1:]
    names, at = [], 0
    lines = ["section .ksyms progbits alloc noexec nowrite align=16"]
    symbols = functions(nm, elf)
    lines.append(f"    dd {len(symbols)}")
    for address, name in symbols:
        lines.append(f"    dd 0x{address - KERNEL_BASE:x}, {at}")
        names.append(f'    db "{name}", 0')
        at += len(name) + 1
    with open(output, "w", encoding="ascii") as out:
        out.write("\n".join(lines + names) + "\n")


if __name__ == "__main__":
    main()
