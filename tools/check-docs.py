#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# What the documents say about the sources must be there: each `path/to/file` and each
# `function()` between backquotes in a *.md file. A name with a section, `mmap(2)`, is a man
# page and a name of the C library or of a system call is not ours to check. A name with a file behind
# it, `function()` (`path/to/file.c`) or `function()` in `path/to/file.c`, must stand in that file. And each docs/
# path that a source names, with or without backquotes, must be there. A figure before a comment that
# names a case of the benchmark, 377<!-- = remap one ... -->, is that of user/bench/figures.json.
import json
import re
import subprocess
import sys
from pathlib import Path

ROOTS = ("arch/", "kernel/", "mm/", "fs/", "lib/", "user/", "tests/", "tools/", "docs/")
QUOTED = re.compile(r"`([^`\n]+)`")
NAMED = re.compile(r"\bdocs/[\w./-]*\w")
SOURCES = (".c", ".h", ".asm", ".py", ".mk", ".ld", "Makefile")
PLACED = re.compile(r"`(?:struct |enum )?(\w+)(?:\(\))?`(?:(?:\s\w+){0,2}\s\(|\sin\s)`([\w./]+\.[ch])`")
CALL = re.compile(r"^([a-z_][a-z0-9_]*)\(\)$")
BUILT = re.compile(r"^(build/|tests/user/[a-z_]+$|tests/run/[a-z_]+$|user/[a-z]+$)")


# A figure in a sentence, and the case of the benchmark that it is of.
FIGURE = re.compile(r"([\d,]+)<!-- = (.*?) -->")
KEPT = Path("user/bench/figures.json")


def wrong_figures(text):
    """Those that are not, within 3 %, what is kept of the benchmark."""
    for f in FIGURE.finditer(text):
        kept = json.loads(KEPT.read_text(encoding="utf-8")).get(f[2], [0])[0]
        if abs(int(f[1].replace(",", "")) - kept) > 0.03 * kept + 1:
            yield text.count("\n", 0, f.start()) + 1, f[1], kept, f[2]


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], check=True,
                         capture_output=True, text=True)
    return out.stdout.split("\n")[:-1]


def exists(path, files):
    """A file, a directory, or a file named without its ending."""
    path = path.rstrip("/")
    return any(f == path or f.startswith((path + "/", path + ".")) for f in files)


def misplaced(text):
    """Names that do not stand in the file behind them."""
    for place in PLACED.finditer(text):
        file = Path(place[2])
        if file.is_file() and not re.search(rf"\b{place[1]}\b", file.read_text(encoding="utf-8")):
            yield text.count("\n", 0, place.start()) + 1, place[1], place[2]


def main():
    files = tracked()
    words = set()
    for f in files:
        if f.endswith((".c", ".h", ".asm", ".py")) and Path(f).is_file():
            words.update(re.findall(r"[A-Za-z_]\w*", Path(f).read_text(encoding="utf-8")))
    faults = 0
    for f in files:
        if not f.endswith(".md") or not Path(f).is_file():
            continue
        text = Path(f).read_text(encoding="utf-8")
        for number, name, file in misplaced(text):
            print(f"{f}:{number}: {name} is not in {file}")
            faults += 1
        for number, figure, kept, case in wrong_figures(text):
            print(f"{f}:{number}: {figure} is {kept:,}: {case}")
            faults += 1
        for number, line in enumerate(text.splitlines(), 1):
            for quoted in QUOTED.findall(line):
                call = CALL.match(quoted)
                if call and call[1] not in words:
                    print(f"{f}:{number}: no function {quoted} in the sources")
                    faults += 1
                bare = re.fullmatch(r"[\w./-]+", quoted)
                beside = str(Path(f).parent / quoted)
                if (bare and quoted.startswith(ROOTS) and not BUILT.match(quoted)
                        and not exists(quoted, files) and not exists(beside, files)):
                    print(f"{f}:{number}: no file {quoted}")
                    faults += 1
    for f in files:
        if not f.endswith(SOURCES) or not Path(f).is_file() or f == "tools/check-docs.py":
            continue
        for number, line in enumerate(Path(f).read_text(encoding="utf-8").splitlines(), 1):
            for path in NAMED.findall(line):
                if not exists(path, files):
                    print(f"{f}:{number}: no file {path}")
                    faults += 1
    print(f"check-docs: {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
