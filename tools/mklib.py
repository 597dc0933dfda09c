#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The archive and the header of the memory system for other kernels, from compiled objects
# and the tree's headers. Each global name gets the prefix, in the archive and in the header.
# The header is one file: the roots and all they include, each once, in the order of need.
# Fails when the objects want a name that the port's header does not declare, or when that
# declares one that nobody wants.
import argparse
import os
import re
import subprocess
import sys
import tempfile

INCLUDE = re.compile(r'^#include "([^"]+)"')
WORD = re.compile(r"[A-Za-z_]\w*")


def symbols(objects):
    """Global names defined by the objects, and those they want besides."""
    defined, wanted = set(), set()
    out = subprocess.run(["nm", "-g", *objects], check=True, capture_output=True, text=True)
    for line in out.stdout.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "U":
            wanted.add(words[1])
        elif len(words) == 3:
            defined.add(words[2])
    return defined, wanted - defined


def declared(path):
    """Names that a header declares, outside of conditional parts."""
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    text = re.sub(r"^#if.*?^#endif", "", text, flags=re.S | re.M)
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    names = set()
    for statement in text.split(";"):
        found = (re.search(r"DECLARE_PER_CPU\([^,]+,\s*(\w+)\)", statement) or
                 re.search(r"(\w+)\s*\(", statement) or
                 re.search(r"extern\s[^;]*?(\w+)\s*$", statement))
        if found:
            names.add(found[1])
    return names


def resolve(name, folders):
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    sys.exit(f"mklib: no {name}")


def amalgamate(name, folders, done, out):
    path = resolve(name, folders)
    if os.path.realpath(path) in done:
        return
    done.add(os.path.realpath(path))
    body = []
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines():
            include = INCLUDE.match(line)
            if include:
                amalgamate(include[1], folders, done, out)
            elif line != "#pragma once":
                body.append(line)
    out.append(f"/* ==== {name} ==== */")
    out.extend(body)


def write_header(args, names):
    out = ["/* Made from Tessera's headers by `make lib`; see docs/porting.md there. */",
           "#pragma once", ""]
    done = set()
    for root in args.roots:
        amalgamate(root, [args.include, ".", "arch/include"], done, out)
    text = WORD.sub(lambda m: args.prefix + m[0] if m[0] in names else m[0], "\n".join(out))
    with open(args.header, "w", encoding="utf-8") as f:
        f.write(text + "\n")


def write_archive(args):
    with tempfile.TemporaryDirectory() as folder:
        members = []
        for path in args.objects:
            name = path.split("/tessera-mm/", 1)[-1].replace("/", "_")
            members.append(os.path.join(folder, name))
            subprocess.run(["objcopy", f"--prefix-symbols={args.prefix}", path, members[-1]],
                           check=True)
        if os.path.exists(args.archive):
            os.unlink(args.archive)
        subprocess.run(["ar", "rcsD", args.archive, *members], check=True)


def main():
    parser = argparse.ArgumentParser()
    for option in ("prefix", "include", "archive", "header", "port"):
        parser.add_argument("--" + option, required=True)
    parser.add_argument("--roots", nargs="+", required=True)
    parser.add_argument("objects", nargs="+")
    args = parser.parse_args()
    defined, wanted = symbols(args.objects)
    promised = declared(args.port)
    for name in sorted(wanted - promised):
        print(f"mklib: {args.port} does not declare {name}, which the objects want",
              file=sys.stderr)
    for name in sorted(promised - wanted):
        print(f"mklib: {args.port} declares {name}, which nothing wants", file=sys.stderr)
    if wanted != promised:
        return 1
    write_header(args, defined | wanted)
    write_archive(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
