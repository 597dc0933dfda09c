# SPDX-License-Identifier: MIT
#
# Debian's unmodified dynamic stress-ng inside Tessera. Its exit status proves nothing (it is
# 0 even when a stressor was left out): what counts are its lines and the number of
# operations. `make test` runs some stressors, `make test-stress` all of them.
import os
import re

from harness import Failure, Skip, add, run

PROGRAM = "/usr/bin/stress-ng"
BAD = re.compile(r"fail:|error:|skipping|aborted early|finished prematurely")
# One emulated processor is not in /sys, and stress-ng says so.
HARMLESS = "no CPUs found"

# Operations: enough to go through every path of a stressor once, few seconds each.
STRESSORS = {"remap": 20, "mmap": 1, "mmapfixed": 30, "mmapmany": 20000, "mmapfork": 1,
             "mremap": 3, "msync": 500, "mincore": 500, "munmap": 1000, "mlock": 200,
             "mprotect": 5000, "memfd": 2, "shm": 2, "fault": 5000, "vm": 1, "malloc": 5000,
             "stack": 2, "brk": 20000, "fork": 500, "sigsegv": 5000}
QUICK = ("remap", "mprotect", "mlock", "mincore", "fault", "shm")


def operations(name, text):
    """What --metrics-brief counted."""
    match = re.search(rf"metrc: \[\d+\] {name} +(\d+) ", text)
    return int(match[1]) if match else 0


def stress(name):
    if not os.path.exists(PROGRAM):
        raise Skip("no stress-ng on this machine")
    count = STRESSORS[name]
    out, err = run(PROGRAM, f"--{name}", "1", f"--{name}-ops", str(count), "--verify",
                   "--metrics-brief", "-t", "60", options=("-m", "512", "-t", "90"))
    text = (out + err).decode(errors="replace")
    for line in text.splitlines():
        if BAD.search(line) and HARMLESS not in line:
            raise Failure(line.strip())
    if not operations(name, text):
        raise Failure("no operation done")


for stressor in STRESSORS:
    def fn(_, name=stressor):
        stress(name)
    title = f"stress-ng --{stressor} {STRESSORS[stressor]}"
    add(fn, f"stress_{stressor}", title, "stress")
    if stressor in QUICK:
        add(fn, f"quick_{stressor}", title)
