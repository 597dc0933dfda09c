#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The crashes of docs/debugging.md, made on purpose in the debug kernel: the report begins as the document says.

    crashes.py BUILD"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `([a-z-]+)` \| (?:`([^`]+)`)? ?\|", re.M)


def main():
    build, failed = pathlib.Path(sys.argv[1]), 0
    log = build / "logs" / "crashes.log"
    log.parent.mkdir(exist_ok=True)
    rows = ROW.findall((ROOT / "docs" / "debugging.md").read_text())
    for name, begins in rows:
        seconds = "300" if begins else "10"
        run = subprocess.run([ROOT / "tools/run", "--kernel", build / "debug/kernel.elf", "--log", log, "-m", "256", "-t", seconds,
                              "--cmdline", f"fault={name}", "--", "/bin/busybox", "true"], stdin=subprocess.DEVNULL, capture_output=True)
        line = next((x for x in log.read_text(errors="replace").splitlines() if "kernel panic: " in x), "")
        good = begins in line if begins else not line and run.returncode
        failed += not good
        print(f"{'ok' if good else 'not ok'} - {name}{'' if good else ': ' + (line or 'no report')}", flush=True)
    print(f"{len(rows) - failed} passed, {failed} failed")
    sys.exit(failed != 0 or not rows)


main()
