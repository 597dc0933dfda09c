#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Symbol table for the kernel's backtraces: mksyms.py NM KERNEL_ELF OUTPUT.asm
# Reads the functions of a linked kernel and writes the NASM source of section .ksyms, which
# a second link adds behind all text and read-only data, so that no function moves. The
# layout is described in arch/x86_64/cpu/symbols.c.
import subprocess
import sys

KERNEL_BASE = 0xFFFFFFFF80000000


def functions(nm, elf):
    """(address, name) of every function, ascending, one name for each address."""
    text = subprocess.run([nm, "-n", elf], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in text.splitlines():
        parts = line.split()
        if len(parts) != 3 or parts[1] not in "tT" or "." in parts[2][:1]:
            continue
        address, name = int(parts[0], 16), parts[2]
        # NASM's local labels are "function.label": only the function is of interest.
        if address >= KERNEL_BASE and "." not in name:
            found[address] = name
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
