#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Finds code that would reach a per-CPU variable without GS: check-percpu.py KERNEL. Such a variable
# is gs:(address + GS_BIAS), see arch/include/arch/cpu.h; the compiler forgets the segment of
# some expressions, and what is left names an address that nothing lives at. A register that gets
# the address alone is used behind GS later.
import re
import subprocess
import sys

GS_BIAS = 0x40000000


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    kernel = sys.argv[1]
    symbols = {name: int(value, 16) for value, _, name in
               (line.split() for line in output("nm", "--defined-only", kernel).splitlines())}
    start, end = (symbols[name] + GS_BIAS for name in ("percpu_start", "percpu_end"))
    reached = bad = 0
    for line in output("objdump", "-d", "--no-show-raw-insn", kernel).splitlines():
        if not any(start <= int(number, 16) < end
                   for number in re.findall(r"\b(?:0x)?(ffffffff[0-9a-f]{8})\b", line)):
            continue
        reached += 1
        if "%gs:" not in line and not re.search(r"\bmov\w*\s+\$", line):
            print(f"{kernel}: a per-CPU variable without GS: {line.strip()}")
            bad += 1
    if not reached:
        print(f"{kernel}: no per-CPU variable is reached at all: is GS_BIAS another?")
    return bad or not reached


if __name__ == "__main__":
    sys.exit(bool(main()))
