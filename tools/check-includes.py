#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The layers of the kernel, as data, and the check that includes only point down:
#   arch/include <- lib <- mm <- fs <- kernel <- arch/x86_64 (the roof, may see everything)
# arch/include and lib lie on one floor: the machine's contract uses lib/types.h and the
# like, lib uses the contract of the CPU. FLOORS and APART do the same inside a layer. Also:
# includes are rooted at the repository, there
# is no cycle of headers, every header compiles alone, no header of a C library is used.
import re
import subprocess
import sys
from pathlib import Path

LAYERS = [("arch/include/", 0), ("lib/", 0), ("mm/", 1), ("fs/", 2), ("kernel/", 3),
          ("arch/x86_64/", 4)]
# Inside a layer: the floors of mm, where no file includes a higher one, and rooms of the kernel
# and of the machine, each with those it must not look into. A folder that is not there yet, or
# a file that stands on no floor, is no fault.
FLOORS = ["mm/phys/", "mm/table/", "mm/vm/", "mm/op/", "mm/call/", "mm/debug/"]
APART = [("kernel/task/", "kernel/procfs/"), ("kernel/term/", "kernel/procfs/"),
         ("kernel/term/", "kernel/sys/"), ("kernel/procfs/", "kernel/sys/"),
         ("fs/pipe/", "fs/mount/"), ("fs/lock/", "fs/mount/"),
         ("arch/x86_64/drivers/", "arch/x86_64/boot/")]
FREESTANDING = {"stdint.h", "stdbool.h", "stddef.h", "stdarg.h"}
HOST_ONLY = {("lib/string.h", "string.h")}
EFI = ("arch/x86_64/boot/uefi/loader.h", "efi.h")  # the firmware's interface, from gnu-efi
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
FLAGS = ["gcc", "-std=gnu17", "-ffreestanding", "-mgeneral-regs-only", "-mno-red-zone",
         "-I.", "-Iarch/include", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c",
         "-isystem", "/usr/include/efi", "-isystem", "/usr/include/efi/x86_64"]


def layer(path):
    return next((n for prefix, n in LAYERS if path.startswith(prefix)), None)


def floor(path):
    return next((n for n, prefix in enumerate(FLOORS) if path.startswith(prefix)), None)


def looks_up(path, target):
    """Whether an include of target in path points up."""
    if layer(target) is None or layer(target) > layer(path):
        return True
    if floor(path) is not None and floor(target) is not None and floor(target) > floor(path):
        return True
    return any(path.startswith(a) and target.startswith(b) for a, b in APART)


def resolve(name):
    """Repository path of an included name, or None."""
    for root in ("", "arch/include/"):
        if Path(root + name).is_file():
            return root + name
    return None


def read_includes(path):
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1], match[2]


def find_cycle(graph):
    done, stack = set(), []

    def visit(node):
        if node in stack:
            return stack[stack.index(node):] + [node]
        if node in done:
            return None
        stack.append(node)
        for after in graph.get(node, ()):
            cycle = visit(after)
            if cycle:
                return cycle
        stack.pop()
        done.add(node)
        return None

    for node in graph:
        cycle = visit(node)
        if cycle:
            return cycle
    return None


def find_faults(files):
    """Includes that point up, or nowhere, and cycles of headers."""
    faults, graph = [], {}
    for path in files:
        for number, kind, name in read_includes(path):
            where = f"{path}:{number}: "
            if kind == "<":
                if name not in FREESTANDING and (path, name) not in HOST_ONLY | {EFI}:
                    faults.append(f"{where}<{name}> is not freestanding")
                continue
            target = resolve(name)
            if target is None:
                faults.append(f"{where}{name}: no such file from the repository's root")
                continue
            if looks_up(path, target):
                faults.append(f"{where}{target} lies above {'/'.join(path.split('/')[:-1])}/")
            if path.endswith(".h"):
                graph.setdefault(path, []).append(target)
    cycle = find_cycle(graph)
    if cycle:
        faults.append("cycle: " + " -> ".join(cycle))
    return faults


def main():
    files = [p for p in subprocess.run(["git", "ls-files", "*.c", "*.h"], check=True,
                                       capture_output=True, text=True).stdout.split()
             if layer(p) is not None and Path(p).is_file()]
    faults = find_faults(files)
    # Tables without a guard are included several times, with meanings of their own.
    for path in (f for f in files if f.endswith(".h") and
                 "#pragma once" in Path(f).read_text(encoding="utf-8")):
        result = subprocess.run(FLAGS + ["-"], input=f'#include "{path}"\n', text=True,
                                capture_output=True, check=False)
        if result.returncode:
            faults.append(f"{path}: does not compile alone\n{result.stderr.strip()}")
    print("\n".join(faults + [f"check-includes: {len(files)} files, {len(faults)} faults"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
