# SPDX-License-Identifier: MIT
#
# What a host program needs beside itself: the interpreter named in PT_INTERP and, through
# DT_NEEDED, every library, found as the dynamic loader finds them (RPATH, RUNPATH with
# $ORIGIN, ld.so.conf, standard directories); for scripts the program of the #! line.
import glob
import os
import struct

GLIBC_DIRS = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64",
              "/lib", "/usr/lib")
MUSL_DIRS = ("/lib/x86_64-linux-musl", "/usr/lib/x86_64-linux-musl", "/lib",
             "/usr/local/lib", "/usr/lib")
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH = 1, 5, 15, 29


class Elf:
    """The few facts of an ELF64 x86-64 file; ValueError for anything else."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        d = self.data
        if d[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", d, 18)[0] != 62:
            raise ValueError(f"{path}: not an x86-64 ELF file")
        phoff, = struct.unpack_from("<Q", d, 32)
        phentsize, phnum = struct.unpack_from("<HH", d, 54)
        self.segments = [struct.unpack_from("<IIQQQQQQ", d, phoff + i * phentsize)
                         for i in range(phnum)]
        self.interp, self.needed, self.rpath, self.runpath = None, [], [], []
        for kind, _, off, _, _, size, _, _ in self.segments:
            if kind == PT_INTERP:
                self.interp = d[off:off + size].split(b"\0")[0].decode()
            elif kind == PT_DYNAMIC:
                self.dynamic(off, size)

    def offset(self, vaddr):
        for kind, _, off, va, _, size, _, _ in self.segments:
            if kind == PT_LOAD and va <= vaddr < va + size:
                return off + vaddr - va
        raise ValueError("address outside the file")

    def dynamic(self, off, size):
        tags = [struct.unpack_from("<qQ", self.data, off + i) for i in range(0, size, 16)]
        strings = next((v for t, v in tags if t == DT_STRTAB), None)
        if strings is None:
            return
        base = self.offset(strings)

        def text(value):
            return self.data[base + value:self.data.index(b"\0", base + value)].decode()

        for tag, value in tags:
            if tag == 0:
                break
            if tag == DT_NEEDED:
                self.needed.append(text(value))
            elif tag == DT_RPATH:
                self.rpath = text(value).split(":")
            elif tag == DT_RUNPATH:
                self.runpath = text(value).split(":")


def configured_dirs(conf="/etc/ld.so.conf"):
    """Directories of ld.so.conf and the files it includes."""
    dirs = []
    try:
        with open(conf, encoding="utf-8") as f:
            lines = f.read().splitlines()
    except OSError:
        return dirs
    for line in lines:
        line = line.split("#")[0].strip()
        if line.startswith("include "):
            for name in sorted(glob.glob(line.split(None, 1)[1])):
                dirs += configured_dirs(name)
        elif line:
            dirs.append(line)
    return dirs


def find_library(name, own, rpaths, dirs):
    """(host path, whether found by RPATH/RUNPATH) of a needed library, or None."""
    if "/" in name:
        return (name, True) if os.path.isfile(name) else None
    for path in own + rpaths:
        candidate = os.path.join(path, name)
        if os.path.isfile(candidate):
            return candidate, True
    for path in dirs:
        candidate = os.path.join(path, name)
        if os.path.isfile(candidate):
            return candidate, False
    return None


def expand(paths, origin):
    return [p.replace("${ORIGIN}", origin).replace("$ORIGIN", origin) for p in paths if p]


def dependencies(program):
    """[(host path, guest path)] that `program` needs, without itself. ValueError when
    something is missing or the file is of no known kind."""
    with open(program, "rb") as f:
        head = f.read(256)
    if head[:2] == b"#!":
        words = head[2:].split(b"\n")[0].split()
        if not words:
            raise ValueError(f"{program}: empty #! line")
        interpreter = words[0].decode()
        return [(interpreter, interpreter)] + dependencies(interpreter)
    elf = Elf(program)
    if not elf.interp:
        return []
    musl = "musl" in elf.interp
    dirs = list(MUSL_DIRS) if musl else configured_dirs() + list(GLIBC_DIRS)
    home = "/lib" if musl else "/lib/x86_64-linux-gnu"
    found = [(elf.interp, elf.interp)]
    seen = {os.path.basename(elf.interp)} | ({"libc.so"} if musl else set())
    work = [(elf, os.path.dirname(os.path.abspath(program)), [])]
    while work:
        elf, origin, inherited = work.pop(0)
        own = expand(elf.runpath, origin)
        rpaths = inherited + ([] if elf.runpath else expand(elf.rpath, origin))
        for name in elf.needed:
            if os.path.basename(name) in seen:
                continue
            seen.add(os.path.basename(name))
            hit = find_library(name, own, rpaths, dirs)
            if not hit:
                raise ValueError(f"{program}: needs {name}, which is nowhere")
            path, by_rpath = hit
            found.append((path, os.path.abspath(path) if by_rpath else f"{home}/{name}"))
            work.append((Elf(path), os.path.dirname(os.path.abspath(path)), rpaths))
    return found
