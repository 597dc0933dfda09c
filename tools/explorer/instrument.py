#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes every function of an LLVM module say when it is entered and left.

    instrument.py IN.ll OUT.ll NAMES FIRST

IN.ll is what clang makes of an unmodified source before any optimisation (-Xclang
-disable-llvm-passes, with -g1). OUT.ll calls ex_enter(id, first argument) at the beginning of each
function and ex_leave(id) before each return (tools/explorer/trace.c); the optimiser runs afterwards,
so what is inlined is seen as well. NAMES gets a line "id name file line" for each; ids begin
with FIRST.
"""
import re
import sys

LOCKS = {  # of the functions that take a lock or give it up: taken, sleeping
    "spin_lock": (1, 0), "spin_trylock": (1, 0), "spin_unlock": (0, 0),
    "mutex_note_taken": (1, 1), "mutex_note_given_up": (0, 1),
}
DEFINE = re.compile(r"^define .*?@([\w.$]+)\((.*?)\).* !dbg !(\d+)")
SUBPROGRAM = re.compile(r"^!(\d+) = distinct !DISubprogram\(name: \"(\w+)\".*?file: !(\d+), line: (\d+)")
FILE = re.compile(r"^!(\d+) = !DIFile\(filename: \"([^\"]+)\"")


def first_argument(params, at):
    """Instructions that make an i64 of the first argument, and its name."""
    m = re.match(r"(i64|i32|[\w%.]+\*+)(?: \w+(?:\(\w+\))?)* (%[\w.]+)", params)
    if not m:
        return "", "0"
    kind, name = m.groups()
    if kind == "i64":
        return "", name
    how = "zext" if kind == "i32" else "ptrtoint"
    return f"  %ex.arg = {how} {kind} {name} to i64, !dbg !{at}\n", "%ex.arg"


def main():
    source, target, names, number = sys.argv[1:5]
    number = int(number)
    lines = open(source).read().split("\n")
    files, programs = {}, {}
    for line in lines:
        if m := FILE.match(line):
            files[m[1]] = m[2].removeprefix("./")
        elif m := SUBPROGRAM.match(line):
            programs[m[1]] = (m[2], m[3], m[4])
    last = max(int(m[1]) for line in lines if (m := re.match(r"^!(\d+) = ", line)))
    out, known, places = [], [], []
    now = at = None
    for line in lines:
        if now is not None and line.startswith("  ret "):
            out.append(f"  call void @ex_leave(i32 {now}), !dbg !{at}")
        out.append(line)
        if line == "}":
            now = None
        m = DEFINE.match(line)
        if not m or m[3] not in programs:
            continue
        name, file, row = programs[m[3]]
        now, number = number, number + 1
        last += 1
        at = last
        places.append(f"!{at} = !DILocation(line: {row}, column: 1, scope: !{m[3]})")
        known.append(f"{now} {name} {files[file]} {row}")
        code, arg = first_argument(m[2], at)
        call = f"@ex_enter(i32 {now}, i64 {arg})"
        if name in LOCKS:
            call = "@ex_enter_lock(i32 %d, i64 %s, i32 %d, i32 %d)" % (now, arg, *LOCKS[name])
        out[-1] += "\n" + code + f"  call void {call}, !dbg !{at}"
    out += ["declare void @ex_enter(i32, i64)", "declare void @ex_leave(i32)",
            "declare void @ex_enter_lock(i32, i64, i32, i32)", *places, ""]
    with open(target, "w") as f:
        f.write("\n".join(out))
    with open(names, "w") as f:
        f.write("".join(k + "\n" for k in known))


main()
