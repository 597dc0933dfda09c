#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# What nobody uses: functions that no word of the sources names but their own definition and
# prototype (statics are the compiler's to find), prototypes without a definition, macros that
# nothing expands. By text, so that what only one configuration uses counts as used. Interfaces
# that are complete on purpose (lib/uapi, mm's library) may have more than we use.
import importlib.machinery
import importlib.util
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOMS = ("lib/", "mm/", "fs/", "kernel/", "arch/")
# Whole interfaces: numbers of an ABI or of hardware, the archive for other kernels.
COMPLETE = re.compile(r"^lib/uapi/|^arch/x86_64/boot/uefi/")
# Called by what is no source of ours, or named by pasting: sys_##name.
KNOWN = re.compile(r"^(sys_|__(asan|ubsan|tsan|stack_chk|vdso)_|mem(cpy|set|move|cmp)$)")
# Scales whose every step has a name, whether it is used today or not.
SCALES = re.compile(r"^(LOG_|PF_|SECURE_|USB_CLASS_|KASAN_SHADOW$)")
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)
WORD = re.compile(r"\b[A-Za-z_]\w*")


def load_metrics():
    path = str(Path(__file__).parent / "metrics")
    loader = importlib.machinery.SourceFileLoader("metrics", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("metrics", loader))
    loader.exec_module(module)
    return module


def main():
    metrics = load_metrics()
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True,
                            capture_output=True, text=True).stdout.split()
    files = [f for f in listed if f.endswith((".c", ".h", ".asm", ".ld", ".S", ".py", ".mk"))
             and Path(f).is_file()]
    text = {f: Path(f).read_text(encoding="utf-8", errors="replace") for f in files}
    bare = {f: re.sub(r"/\*.*?\*/", " ", t, flags=re.S) for f, t in text.items()
            if f.endswith((".c", ".h"))}
    uses = Counter(w for f, t in text.items() for w in WORD.findall(bare.get(f, t)))
    declared, defined, macros = {}, Counter(), {}
    for f, t in bare.items():
        if not f.startswith(ROOMS) or COMPLETE.match(f):
            continue
        code = metrics.SPACE.sub(lambda m: "0" if m[0][0] in "\"'" else " ",
                                 metrics.DIRECTIVE.sub("", t))
        for names, where in zip(metrics.functions(code), (declared, defined)):
            for name in names:
                if where is declared:
                    declared.setdefault(name, []).append(f)
                else:
                    defined[name] += 1
        for name in DEFINE.findall(t):
            macros.setdefault(name, []).append(f)
    asm = {w for f, t in text.items() if f.endswith(".asm") for w in WORD.findall(t)}
    faults = []
    for name in sorted(set(declared) | set(defined)):
        own = defined[name] + len(declared.get(name, ()))
        if not KNOWN.match(name) and defined[name] and uses[name] <= own:
            faults.append(f"{declared.get(name, ['?'])[0]}: nobody calls {name}")
        if name in declared and not defined[name] and name not in asm and \
                name not in macros and uses[name] <= own:
            faults.append(f"{declared[name][0]}: {name} is declared and nowhere defined")
    for name, where in sorted(macros.items()):
        if uses[name] <= len(where) and not SCALES.match(name):
            faults.append(f"{where[0]}: nothing uses {name}")
    print("".join(f"{fault}\n" for fault in faults), end="")
    print(f"check-dead: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
