#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Follows a page of the documentation: follow.py PAGE. Its blocks of shell commands are run in
# one shell in an empty folder, with TESSERA set to the tree; both kernels must print OK.
# Prints TAP and last "N passed, N failed".
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES = 600  # of the example kernel, at most
PORT_LINES = 400


def length(*names):
    total = 0
    for name in names:
        with open(os.path.join(TOP, "tests/port", name), encoding="utf-8") as f:
            total += len(f.readlines())
    return total


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        blocks = re.findall(r"^```sh\n(.*?)^```$", f.read(), re.S | re.M)
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith("MAKE") and k not in ("MFLAGS", "O", "LIB", "PORT")}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["sh", "-e", "-c", "".join(blocks)], cwd=folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**environment, "TESSERA": TOP}, check=False)
    lines = done.stdout.splitlines()
    sizes = (length("boot.asm", "port.ld", "port.h", "port.c", "kernel.c", "frames.c",
                    "arch/bounds.h"), length("port.c", "port.h", "arch/bounds.h"))
    results = [(done.returncode == 0 and lines.count("OK") == 2 and lines[-1] == "OK",
                "docs/porting.md leads to two kernels that print OK"),
               (sizes[0] <= LINES and sizes[1] <= PORT_LINES,
                f"the example has {sizes[0]} lines, its port {sizes[1]}")]
    for good, name in results:
        print(f"{'ok' if good else 'not ok'} - {name}")
    if not results[0][0]:
        print("\n".join("# " + l for l in (done.stdout + done.stderr).splitlines()[-20:]))
    passed = sum(good for good, _ in results)
    print(f"{passed} passed, {len(results) - passed} failed")
    return 0 if passed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
