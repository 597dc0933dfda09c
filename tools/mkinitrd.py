#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The initramfs: a cpio archive of format newc, the same bytes for the same input (sorted,
# dates 0, numbers counted up). Used as a program by make and as a module by tools/run.
#
#   mkinitrd.py -o OUT --base INIT SUITE          what every run has
#   mkinitrd.py -o OUT --from CPIO --add F[:G]... an archive and more
import argparse
import os
import stat
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Debian's merged /usr: what is named on the left lives on the right.
MERGED = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
DIRS = ("dev", "proc", "sys", "run", "root", "etc", "etc/tessera", "usr/bin", "usr/sbin",
        "usr/lib", "usr/lib64", "tests", "var", "mnt")


class Initramfs:
    """Files by guest path (no leading slash), written out in sorted order."""

    def __init__(self):
        self.entries = {}  # path -> (mode, data)
        self.devices = {}  # path of a device -> (major, minor)

    @staticmethod
    def clean(path):
        path = os.path.normpath("/" + path).lstrip("/")
        for link, real in MERGED.items():
            if path.startswith(link + "/"):
                return real + path[len(link):]
        return path

    def directory(self, path, mode=0o755):
        path = self.clean(path)
        if path in ("", ".") or path in MERGED:
            return
        self.directory(os.path.dirname(path))
        if not stat.S_ISDIR(self.entries.get(path, (0, b""))[0]):
            self.entries[path] = (stat.S_IFDIR | mode, b"")

    def file(self, path, data, mode=0o644):
        path = self.clean(path)
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFREG | mode, data)

    def symlink(self, path, target):
        path = self.clean(path)
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor):
        """A character device."""
        path = self.clean(path)
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFCHR | 0o600, b"")
        self.devices[path] = (major, minor)

    def has(self, path):
        return self.clean(path) in self.entries

    def is_busybox(self, path):
        """Whether the name is one of busybox' links."""
        mode, data = self.entries.get(self.clean(path), (0, b""))
        return stat.S_ISLNK(mode) and data == b"/bin/busybox"

    def host(self, source, path):
        """A host file, link or whole directory at a guest path."""
        info = os.stat(source)
        if stat.S_ISDIR(info.st_mode):
            self.directory(path)
            for name in sorted(os.listdir(source)):
                inner = os.path.join(source, name)
                if os.path.islink(inner):
                    self.symlink(f"{path}/{name}", os.readlink(inner))
                elif os.path.isdir(inner) or os.path.isfile(inner):
                    self.host(inner, f"{path}/{name}")
        elif stat.S_ISREG(info.st_mode):
            with open(source, "rb") as f:
                self.file(path, f.read(), stat.S_IMODE(info.st_mode))
        else:
            raise ValueError(f"{source}: neither a file nor a directory")

    def plain_modes(self):
        """Files are 0755 or 0644, whatever umask they were made under."""
        for path, (mode, data) in self.entries.items():
            if stat.S_ISREG(mode):
                mode = stat.S_IFREG | (0o755 if mode & stat.S_IXUSR else 0o644)
                self.entries[path] = (mode, data)

    def write(self):
        """The archive's bytes."""
        out, number, offset = [], 0, 0
        items = [(p, *self.entries[p]) for p in sorted(self.entries)]
        for path, mode, data in items + [("TRAILER!!!", 0, b"")]:
            number += 1
            name = path.encode() + b"\0"
            links = 2 if stat.S_ISDIR(mode) else 1
            fields = (number, mode, 0, 0, links, 0, len(data), 0, 0,
                      *self.devices.get(path, (0, 0)), len(name), 0)
            head = b"070701" + b"".join(b"%08x" % f for f in fields) + name
            head += b"\0" * (-len(head) % 4)
            tail = b"\0" * (-len(data) % 4)
            out += (head, data, tail)
            offset += len(head) + len(data) + len(tail)
        return b"".join(out) + b"\0" * (-offset % 512)

    def read(self, data):
        """Takes over the entries of an archive that write() made."""
        at = 0
        while True:
            f = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
            name = data[at + 110:at + 110 + f[11] - 1].decode()
            at = (at + 110 + f[11] + 3) & ~3
            if name == "TRAILER!!!":
                return
            self.entries[name] = (f[1], data[at:at + f[6]])
            if stat.S_ISCHR(f[1]):
                self.devices[name] = (f[9], f[10])
            at = (at + f[6] + 3) & ~3

    def save(self, path):
        with open(path + ".new", "wb") as f:
            f.write(self.write())
        os.replace(path + ".new", path)


def base(init, suite):
    fs = Initramfs()
    for d in DIRS:
        fs.directory(d)
    for d in ("tmp", "var/tmp"):
        fs.directory(d, 0o1777)
    fs.device("dev/console", 5, 1)  # until init mounts devfs over it
    for link, real in MERGED.items():
        fs.entries[link] = (stat.S_IFLNK | 0o777, real.encode())
    fs.host(init, "init")
    fs.host(suite, "bin/suite")
    busybox = "/bin/busybox"
    fs.host(busybox, "bin/busybox")
    names = subprocess.run([busybox, "--list-full"], check=True, capture_output=True,
                           text=True).stdout.split()
    for name in names:
        if name != "linuxrc" and not fs.has(name):
            fs.symlink(name, "/bin/busybox")
    fs.host(os.path.join(TOP, "user/etc"), "etc")
    fs.host(os.path.join(TOP, "user/bin"), "bin")
    return fs


def add(fs, spec):
    source, _, path = spec.partition(":")
    path = path or os.path.basename(source)
    if path.endswith("/"):
        path += os.path.basename(source)
    fs.host(source, path)


def main():
    parser = argparse.ArgumentParser(description="write an initramfs")
    parser.add_argument("-o", required=True, metavar="OUT")
    parser.add_argument("--base", nargs=2, metavar=("INIT", "SUITE"))
    parser.add_argument("--from", dest="source", metavar="CPIO")
    parser.add_argument("--add", action="append", default=[], metavar="FILE[:PATH]")
    args = parser.parse_args()
    if args.base:
        fs = base(*args.base)
    else:
        fs = Initramfs()
        if args.source:
            with open(args.source, "rb") as f:
                fs.read(f.read())
    for spec in args.add:
        add(fs, spec)
    fs.plain_modes()
    fs.save(args.o)


if __name__ == "__main__":
    sys.exit(main())
