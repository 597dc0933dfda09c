# SPDX-License-Identifier: MIT
#
# What stands on the screen, as text: a picture of QEMU's (PPM) turned back into characters
# through the very font the kernel draws with; and the connection to QEMU that takes it.
import json
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
sys.dont_write_bytecode = True
import mkfont  # noqa: E402

WIDTH, HEIGHT = 8, 16
UNKNOWN = "\0"


class Picture:
    """A PPM file (P6, 8 bits): the colour of each pixel."""

    def __init__(self, data):
        fields, at = [], 0
        while len(fields) < 4:
            while data[at:at + 1].isspace():
                at += 1
            end = at
            while not data[end:end + 1].isspace():
                end += 1
            fields.append(data[at:end])
            at = end
        if fields[0] != b"P6" or fields[3] != b"255":
            raise ValueError("not a picture of the kind QEMU writes")
        self.width, self.height = int(fields[1]), int(fields[2])
        self.bytes = data[at + 1:]
        if len(self.bytes) != self.width * self.height * 3:
            raise ValueError("the picture is cut off")

    def row(self, x, y, count, step=1):
        """`count` pixels from (x, y) on, every `step`-th."""
        at = (y * self.width + x) * 3
        line = self.bytes[at:at + count * step * 3]
        return [line[i:i + 3] for i in range(0, len(line), 3 * step)]


class Screen:
    """The grid of characters in a picture; `text` is a list of lines."""

    def __init__(self, data):
        self.picture = Picture(data)
        self.scale = 2 if self.picture.width >= 2560 else 1
        self.cell = (WIDTH * self.scale, HEIGHT * self.scale)
        self.cols = min(self.picture.width // self.cell[0], 256)
        self.rows = min(self.picture.height // self.cell[1], 135, 20480 // self.cols)
        self.left = (self.picture.width - self.cols * self.cell[0]) // 2
        self.top = (self.picture.height - self.rows * self.cell[1]) // 2
        # Of several characters of one shape the first stands for all.
        self.names = {}
        for code, glyph in sorted(mkfont.load().items()):
            self.names.setdefault(int.from_bytes(glyph, "big"), chr(code))
        self.text = [self.line(row) for row in range(self.rows)]

    def dots(self, col, row):
        """The cell as a list of its dots' colours, row by row."""
        x, y = self.left + col * self.cell[0], self.top + row * self.cell[1]
        found = []
        for i in range(HEIGHT):
            found += self.picture.row(x, y + i * self.scale, WIDTH, self.scale)
        return found

    def colours(self, col, row):
        """The (one or two) colours in a cell, the commonest first."""
        found = self.dots(col, row)
        return sorted(set(found), key=lambda c: -found.count(c))

    def char(self, col, row):
        found = self.dots(col, row)
        back = found[0]
        bits = 0
        for dot in found:
            bits = bits << 1 | (dot != back)
        full = (1 << WIDTH * HEIGHT) - 1
        # The corner may belong to the character: then the other colour is the background.
        return self.names.get(bits) or self.names.get(full ^ bits, UNKNOWN)

    def line(self, row):
        return "".join(self.char(col, row) for col in range(self.cols)).rstrip()


class Qmp:
    """QEMU's control socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")
        json.loads(self.file.readline())
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode())
        while True:
            reply = json.loads(self.file.readline())
            if "error" in reply:
                raise ValueError(f"{name}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]

    def screen(self, path):
        """What the machine's display shows now; the picture stays at `path`."""
        self.command("screendump", filename=path)
        with open(path, "rb") as f:
            return Screen(f.read())
