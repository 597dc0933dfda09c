#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The kernels that watch several CPUs (make LOCKDEP=1, make KCSAN=1): detectors.py BUILD
# lockdep|kcsan [--cpus N] [FILE...]. Each fault made on purpose (kernel/seeded.c) is
# reported, with both places; then the userland suite runs on N CPUs (4) without a report.
# FILEs: only these of the suite; none: all. Prints TAP and last "N passed, N failed".
import argparse
import glob
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACE = r"\w+\+0x[0-9a-f]+"
FAULTS = {
    "lockdep": {
        "circle-of-two": r"panic: lockdep: circle of locks",
        "circle-of-three": r"panic: lockdep: circle of locks",
        "one-class-both-orders": rf"panic: lockdep: two of one class in both orders: at both\+"
                                 rf".* while held since {PLACE}",
        "circle-of-mutexes": r"panic: lockdep: circle of locks",
        "handler-and-open": rf"panic: lockdep: taken with interrupts on at {PLACE}, "
                            rf"and by a handler at take_in_handler\+",
        "handler-behind-open": rf"panic: lockdep: taken with interrupts on at "
                               rf"{PLACE}, and by a handler that holds another",
    },
    "kcsan": {
        "race-write-write": r"panic: kcsan: race between write_plain and write_plain",
        "race-read-write": r"panic: kcsan: race between \w+_plain and \w+_plain",
        "race-marked-write": r"panic: kcsan: race between read_plain and write_marked",
        "race-unseen-write": r"panic: kcsan: race between read_plain and an unknown place",
        "no-race": r"panic: the race was not seen",
    },
}
WRAPPERS = re.compile(r" t ((?:spin_lock_irq|mutex_lock\w*|scoped_\w+|mm_lock\w*)(?:\.\w+)*)$",
                      re.M)
REPORT = re.compile(r"(?:lockdep|kcsan): .*")


class Tests:
    def __init__(self, args):
        self.args, self.passed, self.failed = args, 0, 0
        self.build = os.path.abspath(args.build)
        self.kernel = os.path.join(self.build, args.which, "release/kernel.elf")
        self.log = os.path.join(self.build, f"logs/{args.which}.log")
        os.makedirs(os.path.dirname(self.log), exist_ok=True)

    def report(self, good, name, why=""):
        self.passed += good
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} - {name}{': ' + why if why and not good else ''}",
              flush=True)

    def lines(self):
        with open(self.log, errors="replace") as log:
            return [line.strip() for line in log]

    def places(self):
        """A lock belongs to the place that takes it: what takes one for its caller is inlined."""
        names = subprocess.run(["nm", self.kernel], capture_output=True, text=True, check=True)
        found = sorted(set(WRAPPERS.findall(names.stdout)))
        self.report(not found, "no function takes locks in the name of many", " ".join(found))

    def seeded(self):
        for fault, want in FAULTS[self.args.which].items():
            words = f"fault={fault}" + (" kcsan=panic" if self.args.which == "kcsan" else "")
            subprocess.run([os.path.join(TOP, "tools/run"), "--kernel", self.kernel, "--log",
                            self.log, "-s", str(self.args.cpus), "-m", "512", "-t", "120",
                            "--cmdline", words, "--", "/bin/busybox", "sleep", "100"],
                           stdin=subprocess.DEVNULL, capture_output=True, check=False)
            line = next((l for l in self.lines() if "panic: " in l), "no panic")
            self.report(re.search(want, line) is not None,
                        f"{self.args.which} reports {fault}", line)

    def suite(self):
        files = self.args.files
        if not files:
            folder = os.path.join(self.build, "tests/user")
            files = [os.path.join(folder, n) for n in sorted(os.listdir(folder))
                     if os.access(os.path.join(folder, n), os.X_OK)]
        pattern = os.path.join(self.build, f"logs/{self.args.which}-suite{self.args.cpus}*.log")
        for path in glob.glob(pattern): # of an earlier run
            os.unlink(path)
        done = subprocess.run([os.path.join(TOP, "tools/test-user"), "--build", self.build,
                               "--limit", "1800", "--cpus", str(self.args.cpus), "--log",
                               f"{self.args.which}-suite", "--kernel", self.kernel, *files],
                              capture_output=True, text=True, check=False)
        texts, booted = [done.stdout], False
        for path in glob.glob(pattern):
            with open(path, errors="replace") as log:
                texts.append(log.read())
            booted = booted or "processors, using" in texts[-1]
        self.report(booted, f"{self.args.which}: the kernel's log was read")
        found = sorted({line for text in texts for line in REPORT.findall(text)})
        for line in found:
            print(f"# {line}")
        bad = [l for l in done.stdout.splitlines() if l.startswith("not ok")]
        self.report(done.returncode == 0, f"{self.args.which}: the suite passes",
                    "; ".join(bad[:5]))
        self.report(not found, f"{self.args.which}: nothing is reported in the suite",
                    f"{len(found)} reports")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("which", choices=FAULTS)
    p.add_argument("--cpus", type=int, default=4)
    p.add_argument("--seeded", action="store_true", help="only the faults made on purpose")
    p.add_argument("files", nargs="*")
    tests = Tests(p.parse_args())
    if tests.args.which == "lockdep":
        tests.places()
    tests.seeded()
    if not tests.args.seeded:
        tests.suite()
    print(f"{tests.passed} passed, {tests.failed} failed")
    return 0 if tests.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
