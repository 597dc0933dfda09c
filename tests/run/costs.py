# SPDX-License-Identifier: MIT
#
# What rearranged mappings cost inside Tessera: memory exactly, time in counted instructions
# (costs.c). Bounds leave room for a deeper index, never for work by the size of a mapping.
import re

from harness import Failure, build, case, run

COUNTED = ("--icount", "-m", "1400", "-t", "120")


def figures(work, *words, options=("-m", "1400")):
    program = build(work, "musl-gcc", "costs.c")
    out, _ = run(program, *words, options=options)
    return [int(n) for n in re.findall(rb"-?\d+$", out, re.MULTILINE)]


def cycles(work, what, mib):
    return figures(work, what, str(mib), options=COUNTED)[0]


def at_most(got, limit, what):
    if got > limit:
        raise Failure(f"{what}: {got}, at most {limit}")


@case
def cost_window(work):
    """a shuffled window over 1 GiB: one area, 1.1 MiB beyond its page tables, all back"""
    areas, kilobytes, left = figures(work, "window")
    at_most(areas, 1, "areas")
    at_most(kilobytes, 1126, "kB beyond the page tables")
    at_most(abs(left), 0, "pages left after munmap")


@case
def cost_sparse(work):
    """a million random remaps of 16 pages over 8 GiB: memory stays"""
    pages, areas = figures(work, "sparse")
    at_most(pages, 4, "pages used")
    at_most(areas, 1, "areas")


@case
def cost_truncate(work):
    """truncating one page costs the same under 1 GiB shuffled as under 4 MiB"""
    small, big = cycles(work, "truncate", 4), cycles(work, "truncate", 1024)
    at_most(big, small * 3 // 2, f"instructions ({small} under 4 MiB)")


@case
def cost_truncate_unrelated(work):
    """T082: truncating a page nothing maps does not depend on the mapping"""
    small, big = cycles(work, "unrelated", 4), cycles(work, "unrelated", 1024)
    at_most(big, small * 3 // 2, f"instructions ({small} under 4 MiB)")


@case
def cost_fork(work):
    """T104: fork copies no entries of a shared mapping: less than one instruction a page"""
    small, big = cycles(work, "fork", 4), cycles(work, "fork", 1024)
    at_most(big - small, 1 << 18, "instructions for 1 GiB more")


@case
def cost_threads(work):
    """threads that come and go on two CPUs do not wait busily for each other"""
    each = figures(work, "threads", "1000", options=COUNTED + ("-s", "2"))[0]
    at_most(each, 30000, "instructions for a thread")
