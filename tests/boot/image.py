# SPDX-License-Identifier: MIT
#
# A loader of our own for hostile boot data: an ELF file that QEMU's -kernel loads, made of
# the segments of the real kernel, pieces of data at addresses of our choice, and door.asm,
# which enters the kernel by the door that is wanted. So any block, table, module or map
# reaches the real kernel just as a loader would hand it over.
import os
import re
import struct
import subprocess

DOOR, DATA, ARCHIVE = 0x1000000, 0x1010000, 0x2000000
MULTIBOOT2_MAGIC = 0x36D76289
PT_LOAD, PT_NOTE = 1, 4
DOOR_PARAMETERS = 16


class Kernel:
    """What is needed of kernel.elf: its loaded segments and the addresses of its doors."""

    def __init__(self, path, work):
        with open(path, "rb") as f:
            elf = f.read()
        phoff, = struct.unpack_from("<Q", elf, 32)
        phentsize, phnum = struct.unpack_from("<HH", elf, 54)
        self.segments = []  # (physical address, bytes, size in memory)
        for i in range(phnum):
            kind, _, offset, _, pa, filesz, memsz, _ = struct.unpack_from(
                "<IIQQQQQQ", elf, phoff + i * phentsize)
            if kind == PT_LOAD:
                self.segments.append((pa, elf[offset:offset + filesz], memsz))
        self.start = min(pa for pa, _, _ in self.segments)
        self.end = max(pa + memsz for pa, _, memsz in self.segments)
        names = subprocess.run(["nm", path], check=True, capture_output=True, text=True)
        self.doors = {name: int(address, 16) & 0x7FFFFFFF for address, name in re.findall(
            r"^(\w+) . (pvh|multiboot2|efi)_entry$", names.stdout, re.M)}
        door = os.path.join(work, "door.bin")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "door.asm")
        subprocess.run(["nasm", "-f", "bin", f"-DORIGIN={DOOR:#x}", "-o", door, source],
                       check=True)
        with open(door, "rb") as f:
            self.door = f.read()


class Image:
    """One loader's memory. `place` puts data somewhere free, `put` at an address."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.pieces = []
        self.free = DATA
        self.entry = self.eax = self.ebx = self.root = 0

    def put(self, address, data):
        self.pieces.append((address, bytes(data)))
        return address

    def place(self, data, align=16, offset=0):
        """At the next multiple of `align` plus `offset`; the address."""
        address = (self.free + align - 1) // align * align + offset
        self.free = address + len(data)
        assert self.free <= ARCHIVE, "no room left for the loader's data"
        return self.put(address, data)

    def enter(self, door, block, eax=None):
        """`door`: pvh, multiboot2 or efi; `block`: address of the loader's block."""
        self.entry, self.ebx = self.kernel.doors[door], block
        self.eax = {"multiboot2": MULTIBOOT2_MAGIC}.get(door, 0) if eax is None else eax
        self.root = self.identity() if door == "efi" else 0

    def power_off(self):
        """No kernel is entered: the machine is switched off, by QEMU's q35 port."""
        # mov dx, 0x604; mov ax, 0x2000; out dx, ax; hlt
        self.entry = self.place(b"\x66\xba\x04\x06\x66\xb8\x00\x20\x66\xef\xf4")

    def identity(self):
        """Tables that map the first 4 GiB at their addresses with 2 MiB pages."""
        low = b"".join(struct.pack("<Q", at << 21 | 0x83) for at in range(2048))
        low = self.place(low, 4096)
        pdpt = b"".join(struct.pack("<Q", low + 4096 * i | 3) for i in range(4))
        pdpt = self.place(pdpt + bytes(4096 - len(pdpt)), 4096)
        return self.place(struct.pack("<Q", pdpt | 3) + bytes(4088), 4096)

    def write(self, path):
        """The ELF file."""
        door = self.kernel.door[:-DOOR_PARAMETERS] + struct.pack(
            "<IIII", self.entry, self.eax, self.ebx, self.root)
        note = struct.pack("<III4sQ", 4, 8, 18, b"Xen", DOOR)
        segments = self.kernel.segments + [(DOOR, door, len(door))] + [
            (pa, data, len(data)) for pa, data in self.pieces if data]
        at = 64 + 56 * (len(segments) + 1)
        heads, body = b"", note
        heads += struct.pack("<IIQQQQQQ", PT_NOTE, 4, at, 0, 0, len(note), len(note), 4)
        for pa, data, memsz in segments:
            heads += struct.pack("<IIQQQQQQ", PT_LOAD, 7, at + len(body), pa, pa,
                                 len(data), memsz, 1)
            body += data
        head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, DOOR, 64,
                           0, 0, 64, 56, len(segments) + 1, 0, 0, 0)
        with open(path, "wb") as f:
            f.write(head + heads + body)
