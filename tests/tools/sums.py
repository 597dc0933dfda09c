#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# tools/sum-tests adds up right, with one lane and with two, and leaves nothing behind when it
# is interrupted; the targets are made up.
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent.parent / "tools/sum-tests"
TARGETS = """#!/bin/sh
case $1 in
good) echo of good; sleep 0.2; echo more of good; echo "3 passed, 0 failed" ;;
bad) echo "not ok 1"; echo "1 passed, 1 failed"; exit 1 ;;
status) echo "2 passed, 0 failed"; exit 7 ;;
silent) exit 0 ;;
long) echo $$ >"$PIDS"; sleep 1000 & echo $! >>"$PIDS"; wait ;;
esac
"""
CASES = (  # targets, last line, status
    ("good", "3 passed, 0 failed", 0), ("good bad", "4 passed, 1 failed", 1),
    ("status", "2 passed, 1 failed", 1), ("silent good", "3 passed, 1 failed", 1),
    ("good good2", "3 passed, 1 failed", 1))


def fail(text):
    print(f"sums: {text}")
    sys.exit(1)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def interrupted(script, pids, number):
    process = subprocess.Popen([TOOL, script, ":", "long", "good"], text=True,
                               stdout=subprocess.PIPE, env={**os.environ, "PIDS": str(pids)},
                               preexec_fn=lambda: signal.signal(signal.SIGINT,
                                                                signal.default_int_handler))
    while not pids.exists() or len(pids.read_text().split()) < 2:
        time.sleep(0.05)
    process.send_signal(number)
    if process.wait() != 130:
        fail(f"signal {number}: status {process.returncode}")
    end = time.monotonic() + 10
    while any(map(alive, pids.read_text().split())):
        if time.monotonic() > end:
            fail(f"signal {number} leaves processes behind")
        time.sleep(0.05)
    pids.unlink()


def main():
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "targets")
        script.write_text(TARGETS)
        script.chmod(0o755)
        for lanes in ("1", "2"):
            for targets, last, status in CASES:
                done = subprocess.run([TOOL, script, ":", *targets.split()], text=True,
                                      capture_output=True, env={**os.environ, "LANES": lanes},
                                      check=False)
                lines = done.stdout.splitlines()
                if (lines[-1], done.returncode) != (last, status):
                    fail(f"{targets}: {lines[-1]!r} and {done.returncode}")
                at = lines.index("of good") if "good" in targets.split() else -1
                if at >= 0 and lines[at + 1] != "more of good":
                    fail(f"{targets}: the output of a target is cut in two")
        for number in (signal.SIGINT, signal.SIGTERM):
            interrupted(script, Path(folder, "pids"), number)
    return 0


if __name__ == "__main__":
    sys.exit(main())
