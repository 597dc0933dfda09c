# SPDX-License-Identifier: MIT
#
# The mosaic as letters: the same pictures as on this machine, in one area; pictures of one's
# own, and files that are none.
import os
import re
import subprocess
import sys

from harness import Failure, case, host, run, same

AREAS = re.compile(rb"in (\d+) area")


def program():
    return os.path.join(sys.argv[1] if len(sys.argv) > 1 else "build", "user/mosaic")


def one_area(out):
    """The text without the number of areas, which must be 1 throughout."""
    if set(AREAS.findall(out)) != {b"1"}:
        raise Failure(f"areas: {AREAS.findall(out)}")
    return AREAS.sub(b"in N area", out)


@case
def mosaic_text(_):
    """mosaic --text: shuffled and sorted as on this machine, but in one area"""
    words = ("--text", "--frames", "190", "--seed", "7")
    out, _ = run(program(), *words)
    same(one_area(out), AREAS.sub(b"in N area", host(program(), *words)))
    if out.count(b"whole, ") != 2 or not out.endswith(b": ok\n"):
        raise Failure("it was not whole, mixed and whole again")


@case
def mosaic_picture(work):
    """mosaic FILE.ppm: wide, tall, tiny, with comments"""
    pictures = {
        "wide": b"P6\n# a comment\n300 20\n255\n" + bytes(i * 7 & 255 for i in range(18000)),
        "tall": b"P6 16 # another\n 400\t100\n" + bytes(i % 101 for i in range(19200)),
        "tiny": b"P6 1 1 1\n\1\0\1",
    }
    for name, data in pictures.items():
        path = os.path.join(work, name)
        with open(path, "wb") as f:
            f.write(data)
        words = ("--text", "--frames", "1", path)
        out, _ = run(program(), *words, options=("--add", f"{path}:{path}"))
        same(one_area(out), AREAS.sub(b"in N area", host(program(), *words)), name)


@case
def mosaic_refuses(work):
    """mosaic: broken pictures and options end it with one line"""
    def refused(status, said, *words):
        done = subprocess.run([program(), *words], capture_output=True, check=False)
        same(done.returncode, status, f"status of {words}")
        if said not in done.stderr or done.stdout:
            raise Failure(f"{words}: {done.stderr!r}")

    bad = {b"": b"not a PPM", b"P5 1 1 255\n\0": b"not a PPM", b"P6": b"impossible size",
           b"P6 0 5 255\n": b"impossible size", b"P6 -1 5 255\n": b"impossible size",
           b"P6 99999999999999999999 1 255\n": b"impossible size",
           b"P6 16384 16385 255\n": b"impossible size", b"P6 2 2 65535\n": b"8 bits",
           b"P6 2 2 0\n": b"8 bits", b"P6 2 2 255\n" + bytes(11): b"ends too early",
           b"P6 # no end": b"impossible size"}
    for number, (data, said) in enumerate(bad.items()):
        path = os.path.join(work, f"bad{number}.ppm")
        with open(path, "wb") as f:
            f.write(data)
        refused(1, said, "--text", "--frames", "1", path)
    refused(1, b"No such file", "--text", os.path.join(work, "none.ppm"))
    for words in (("--frames",), ("--frames", "-1"), ("--frames", "1x"), ("--what",),
                  ("one.ppm", "two.ppm")):
        refused(2, b"usage", *words)
    _, err = run(program(), status=1)
    if b"there is no framebuffer here" not in err:
        raise Failure(f"without a framebuffer: {err!r}")
