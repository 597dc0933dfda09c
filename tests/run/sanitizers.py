#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The kernel that watches itself (make KASAN=1 UBSAN=1): sanitizers.py BUILD short|all.
# short: each fault made on purpose (kernel/seeded.c) is reported, and random calls run
# clean. all: the userland suite, more random calls, and the differential test besides.
# Prints TAP and last "N passed, N failed".
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FAULTS = {
    "heap-overflow": "kasan: write of 1 bytes .* beyond an object",
    "heap-before": "kasan: read of 4 bytes .* (beyond an object|a freed object)",  # its neighbour may be free
    "use-after-free": "kasan: write of 8 bytes .* a freed object",
    "page-after-free": "kasan: read of 8 bytes .* a free page",
    "copy-overflow": "kasan: write of 25 bytes .* beyond an object",
    "never-written": "kasan: byte 3 of 24 that a program gets was never written",
    "global-overflow": "kasan: write of 4 bytes .* beyond a global variable",
    "stack-overflow": "kasan: read of 1 bytes .* beyond a variable on the stack",
    "signed-overflow": r"ubsan: signed addition overflows at kernel/seeded\.c",
    "shift": r"ubsan: shift by too much.* at kernel/seeded\.c",
    "index": r"ubsan: index out of bounds at kernel/seeded\.c",
    "misaligned": r"ubsan: .*misaligned.* at kernel/seeded\.c",
    "bool": r"ubsan: value its type does not have at kernel/seeded\.c",
}


class Tests:
    def __init__(self, build):
        self.build = build
        self.kernel = os.path.join(build, "kasanubsan/release/kernel.elf")
        self.log = os.path.join(build, "logs/sanitizers.log")
        self.passed = self.failed = 0
        os.makedirs(os.path.dirname(self.log), exist_ok=True)

    def report(self, good, name, why=""):
        self.passed += good
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} - {name}{': ' + why if why and not good else ''}",
              flush=True)

    def run(self, *words, cmdline="", seconds=600, cpus=1):
        command = [os.path.join(TOP, "tools/run"), "--kernel", self.kernel, "--log", self.log,
                   "-m", "512", "-s", str(cpus), "-t", str(seconds), "--cmdline", cmdline, "--", *words]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              check=False, timeout=seconds + 120)

    def panic_line(self):
        with open(self.log, errors="replace") as log:
            return next((line.strip() for line in log if "panic: " in line), "no panic")

    def seeded(self):
        for fault, want in FAULTS.items():
            self.run("/bin/busybox", "true", cmdline=f"fault={fault}", seconds=60)
            line = self.panic_line()
            self.report(re.search(want, line) is not None, f"sanitizer reports {fault}", line)

    def fuzz(self, seed, calls, name="fuzz_syscalls", cpus=1):
        program = os.path.join(self.build, "tests/user", name)
        done = self.run(program, str(seed), str(calls), seconds=900, cpus=cpus)
        why = "" if done.returncode == 0 else f"status {done.returncode}, {self.panic_line()}"
        self.report(done.returncode == 0, f"sanitizers: {calls} random calls, {name}, seed {seed}", why)

    def suite(self):
        names = sorted(os.listdir(os.path.join(self.build, "tests/user")))
        files = [os.path.join(self.build, "tests/user", n) for n in names
                 if os.access(os.path.join(self.build, "tests/user", n), os.X_OK)]
        done = subprocess.run([os.path.join(TOP, "tools/test-user"), "--build", self.build,
                               "--limit", "900", "--kernel", self.kernel, *files],
                              capture_output=True, text=True, check=False)
        bad = [l for l in done.stdout.splitlines() if l.startswith("not ok")]
        tail = (done.stdout.splitlines() or ["no output"])[-1]
        print(f"# suite: {tail}")
        self.report(done.returncode == 0, "sanitizers: the userland suite", "; ".join(bad[:5]))

    def differential(self):
        script = os.path.join(TOP, "tests/diff/diff.py")
        if os.path.exists(script):
            done = subprocess.run([script, self.build, "--kernel", self.kernel, "--boot", "50"],
                                  capture_output=True, text=True, check=False)
            tail = (done.stdout.splitlines() or ["no output"])[-1]
            self.report(done.returncode == 0, "sanitizers: the differential test", tail)


def main():
    tests = Tests(os.path.abspath(sys.argv[1]))
    tests.seeded()
    if sys.argv[2] == "all":
        tests.fuzz(1, 100000)
        tests.fuzz(1, 40000, "fuzz_families")
        tests.fuzz(1, 8000, "fuzz_crowd", cpus=4)
        tests.suite()
        tests.differential()
    else:
        tests.fuzz(2, 10000)
    print(f"{tests.passed} passed, {tests.failed} failed")
    return 0 if tests.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
