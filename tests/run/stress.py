# SPDX-License-Identifier: MIT
#
# Debian's unmodified dynamic stress-ng inside Tessera. Its exit status proves nothing (it is
# 0 even when a stressor was left out): what counts are its lines and the number of
# operations. `make test` runs some stressors, `make test-stress` all of them; `programs.py BUILD
# --group stress-smp` runs whole classes, four instances of each at a time on four processors.
import os
import re
import subprocess

from harness import RUN, Failure, Skip, add, run

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


# ---- four instances on four processors ----

CLASSES = {
    "tasks": "futex pthread fork vfork kill",
    "signals": "sigabrt sigchld sigfd sigfpe sigio signal signest sigpending sigpipe sigq sigrt "
               "sigsegv sigsuspend sigtrap",
    "pipes": "fifo pipe pipeherd ring-pipe sendfile splice tee vm-splice",
    "memory": "atomic bad-altstack context full malloc mcontend membarrier memcpy memfd memrate "
              "memthrash mincore misaligned mmap mmapfork mmapmany mprotect mremap msync munmap "
              "null prefetch remap rmap shm shm-sysv stack stackmmap tlb-shootdown "
              "vm vm-addr vm-rw vm-segv zero brk fault mlock list skiplist tree",
}
SIZES = "--vm-bytes 64M --vm-rw-bytes 16M --memrate-bytes 16M"
SECONDS = 3   # of each stressor
PATIENCE = 90 # until one that does not end is killed: a busy machine is slow


def judge(part):
    """Why what one stressor said is not right. No operation in a few seconds is: those that sort
    do one in many on a busy machine."""
    name, _, text = part.partition("\n")
    for line in text.splitlines():
        if BAD.search(line) and HARMLESS not in line:
            return f"{name}: {line.strip()}"
    if "status 0" not in text:
        return f"{name}: did not end well"
    return None


def stress_class(which, work):
    if not os.path.exists(PROGRAM):
        raise Skip("no stress-ng on this machine")
    log = os.path.join(work, "log")
    loop = (f"for s in {CLASSES[which]}; do echo \"== $s\"; timeout -k 5 {PATIENCE} {PROGRAM} --$s 4"
            f" -t {SECONDS} --verify --metrics-brief --oomable {SIZES} 2>&1; echo status $?; done")
    done = subprocess.run([RUN, "-s", "4", "-m", "1024", "-t", "3000", "--log", log, "--package",
                           "stress-ng", "--", "/bin/sh", "-c", loop], capture_output=True,
                          check=False)
    parts = done.stdout.decode(errors="replace").split("== ")[1:]
    bad = [why for why in map(judge, parts) if why]
    idle = [p for p in parts if not operations(p.split("\n")[0], p)]
    if len(idle) * 4 > len(parts):
        bad.append(f"{len(idle)} stressors did no operation")
    with open(log, errors="replace") as f:
        bad += [line.strip() for line in f if re.search("panic|warning|BUG", line)]
    if done.returncode or len(parts) != len(CLASSES[which].split()):
        bad.append(f"{len(parts)} stressors, status {done.returncode}")
    if bad:
        raise Failure("; ".join(bad))


for group in CLASSES:
    add(lambda work, which=group: stress_class(which, work), f"smp_{group}",
        f"stress-ng on 4 processors, 4 instances: {CLASSES[group]}", "stress-smp")
