#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The screen's font: mkfont.py OUTPUT.c [FONT.psf.gz]
#
# Reads a console font of 8 x 16 pixels with its Unicode table (PSF version 1: bytes 36 04,
# mode, height, then glyphs, then for each glyph its codes as 16-bit numbers up to ffff;
# fffe begins sequences of several codes) and writes it as C for kernel/term/font.c. Block
# elements (U+2580 to U+259F) are drawn here: their shapes are arithmetic and have to meet.
import gzip
import struct
import sys

FONT = "/usr/share/consolefonts/Uni2-Terminus16.psf.gz"
HEIGHT = 16
ASCII = range(0x20, 0x7F)
REPLACEMENT = 0xFFFD
CREDIT = ("Terminus Font, Copyright (c) 2010 Dimitar Toshkov Zhekov, "
          "SIL Open Font License 1.1")


def read_psf(path):
    """{code: 16 bytes, one a row, high bit left}."""
    with gzip.open(path) as f:
        data = f.read()
    if data[:2] != b"\x36\x04" or data[3] != HEIGHT or not data[2] & 2:
        sys.exit(f"{path}: not a PSF font, version 1, 8 x {HEIGHT}, with a Unicode table")
    count = 512 if data[2] & 1 else 256
    table = struct.iter_unpack("<H", data[4 + count * HEIGHT:])
    glyphs, number, sequence = {}, 0, False
    for (code,) in table:
        if code == 0xFFFF:
            number, sequence = number + 1, False
        elif code == 0xFFFE:
            sequence = True
        elif not sequence and number < count:
            at = 4 + number * HEIGHT
            glyphs[code] = data[at:at + HEIGHT]
    return glyphs


def blocks():
    """The block elements by code."""
    found = {0x2580: bytes([255] * 8 + [0] * 8), 0x2590: bytes([15] * HEIGHT)}
    for eighths in range(1, 9):
        rows = eighths * 2
        found[0x2580 + eighths] = bytes([0] * (HEIGHT - rows) + [255] * rows)
    for eighths in range(7, 0, -1):
        found[0x2590 - eighths] = bytes([0xFF << (8 - eighths) & 0xFF] * HEIGHT)
    for code, rows in ((0x2591, (0x88, 0x22)), (0x2592, (0xAA, 0x55)), (0x2593, (0x77, 0xDD))):
        found[code] = bytes(rows * (HEIGHT // 2))
    found[0x2594] = bytes([255] * 2 + [0] * 14)
    found[0x2595] = bytes([1] * HEIGHT)
    # Quadrants: upper left 8, upper right 4, lower left 2, lower right 1.
    for code, quarters in zip(range(0x2596, 0x25A0), (2, 1, 8, 11, 9, 14, 13, 4, 6, 7)):
        upper = (0xF0 if quarters & 8 else 0) | (0x0F if quarters & 4 else 0)
        lower = (0xF0 if quarters & 2 else 0) | (0x0F if quarters & 1 else 0)
        found[code] = bytes([upper] * 8 + [lower] * 8)
    return found


def load(path=FONT):
    """{code: glyph} of all that the screen can show."""
    glyphs = read_psf(path)
    glyphs.update(blocks())
    for code in (*ASCII, REPLACEMENT):
        if code not in glyphs:
            sys.exit(f"{path}: no glyph for U+{code:04X}")
    return glyphs


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: mkfont.py OUTPUT.c [FONT.psf.gz]")
    glyphs = load(*sys.argv[2:])
    pictures = [glyphs[code] for code in (*ASCII, REPLACEMENT)]
    numbers = {picture: i for i, picture in reversed(list(enumerate(pictures)))}
    codes = []
    for code, picture in sorted(glyphs.items()):
        if picture not in numbers:
            numbers[picture] = len(pictures)
            pictures.append(picture)
        codes.append((code, numbers[picture]))
    lines = ["/* Made by tools/mkfont.py. */", '#include "kernel/term/font.h"', "",
             f'const char font_credit[] = "{CREDIT}";',
             f"const u32 font_ncodes = {len(codes)};", "const struct font_code font_codes[] = {"]
    lines += [f"    {{0x{code:04x}, {number}}}," for code, number in codes]
    lines += ["};", "const u8 font_bits[][FONT_HEIGHT] = {"]
    lines += ["    {" + ", ".join(f"0x{row:02x}" for row in p) + "}," for p in pictures]
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("\n".join(lines + ["};"]) + "\n")


if __name__ == "__main__":
    main()
