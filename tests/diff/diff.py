#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The differential test: diff.py BUILD_DIR [--seed S] [--programs N] [--hours H] [--jobs J]
# [--cpus N].
# Random memory programs (tests/diff/diff.h) run on this Linux and inside Tessera; their
# transcripts must be the same. A program whose digests differ is made small and printed with
# both transcripts. With --hours it goes on with fresh seeds, each printed, until the time is
# over. Programs of several threads (threads.h) run on both, and those of Tessera's own calls
# (own.c) there; they judge themselves. --minimise SEED PROGRAM does only the last step. TAP on standard output.
import argparse
import collections
import concurrent.futures
import os
import random
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPS = 400      # of a program, as in diff.h
BATCH = 50     # programs of one case
BOOT = 250     # programs of one boot
ENOUGH = 500   # programs, for every way to be entered
SELF = 40      # programs that judge themselves, of each kind, for 1,000 others
AGAIN = 2      # more runs of a program that differed
UNSTEADY = 20  # of so many programs one may be answered differently by Linux from run to run
LINUX = (6, 17)  # the first whose mremap moves several mappings at once


class Machine:
    """Runs build/tests/diff/diff on one of the two systems."""

    def __init__(self, build, guest, kernel=None, cpus=1):
        self.program = os.path.join(TOP, build, "tests/diff/diff")
        self.guest = guest
        self.options = ["-s", str(cpus), *(["--kernel", kernel] if kernel else [])]

    def run(self, *words, data=None, seconds=300, cmdline=""):
        command = [self.program, *words]
        if self.guest:
            command = [os.path.join(TOP, "tools/run"), "-m", "512", "-t", str(seconds),
                       *self.options, "--cmdline", cmdline, "--", *command]
        stdin = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace",
                                  check=False, timeout=seconds + 100, **stdin)
        except subprocess.TimeoutExpired as e: # what it said until then counts
            return (e.stdout or b"").decode(errors="replace"), "no end"
        return done.stdout, done.stderr if done.returncode else ""


def digests(machine, seed, first, last):
    """{program: digest line}; a machine that ends early has none for the rest. What was
    entered is {None: {name: counts}}."""
    result = {None: collections.Counter()}
    while first < last:
        out, err = machine.run("run", str(seed), str(first), str(last))
        done = [line.split(None, 1) for line in out.splitlines() if line[:1].isdigit()]
        result.update((int(n), rest) for n, rest in done)
        for name, *counts in (line.split()[1:] for line in out.splitlines()
                              if line.startswith("entered ")):
            result[None].update({(name, i): int(n) for i, n in enumerate(counts)})
        if len(done) == last - first:
            break
        first += len(done)
        result[first] = "the machine ended: " + (err.strip().splitlines() or ["?"])[-1]
        first += 1
    return result


def ranges(numbers):
    words, numbers = [], sorted(numbers)
    for n in numbers:
        if words and words[-1][1] == n - 1:
            words[-1][1] = n
        else:
            words.append([n, n])
    return ",".join(f"{a}-{b}" if a != b else str(a) for a, b in words)


class Minimiser:
    def __init__(self, linux, tessera, seed, program):
        self.linux, self.tessera = linux, tessera
        self.seed, self.program = str(seed), program

    def differ(self, lists):
        """Which of the lists of operations still show a difference."""
        data = "".join(f"{self.program} {ranges(ops)}\n" for ops in lists)
        sides = [m.run("list", self.seed, data=data)[0].splitlines()
                 for m in (self.linux, self.tessera)]
        sides = [s + ["none"] * (len(lists) - len(s)) for s in sides]
        return [a != b for a, b in zip(*sides)]

    def texts(self, ops):
        return [m.run("text", self.seed, str(self.program), ranges(ops))[0].splitlines()
                for m in (self.linux, self.tessera)]

    def cut_tail(self, ops):
        """Without what comes after the first line that differs."""
        a, b = self.texts(ops)
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        numbers = [int(m[1]) for line in a[:at + 1] if (m := re.match(r"(\d+) ", line))]
        last = max(numbers, default=OPS)
        if at < len(a) and not re.match(r"\d+ \w", a[at]):
            last = OPS  # in a child, or its parent
        shorter = [n for n in ops if n <= last]
        return shorter if shorter != ops and self.differ([shorter])[0] else ops

    def without(self, ops, size):
        chunks = [ops[i:i + size] for i in range(0, len(ops), size)]
        lists = [[n for n in ops if n not in set(c)] for c in chunks]
        good = [c for c, bad in zip(chunks, self.differ(lists)) if bad]
        if not good:
            return ops
        gone = [set().union(*good[:k]) for k in range(len(good), 0, -1)]
        gone = gone[:12] + gone[-1:]
        lists = [[n for n in ops if n not in g] for g in gone]
        for kept, bad in zip(lists, self.differ(lists)):
            if bad:
                return kept
        return ops

    def run(self):
        ops = list(range(OPS))
        if not self.differ([ops])[0]:
            return None
        ops = self.cut_tail(ops)
        size = max(len(ops) // 2, 1)
        while True:
            smaller = self.without(ops, size)
            if smaller == ops and size == 1:
                return ops
            if smaller == ops or size > 1:
                size = max(size // 2, 1)
            ops = smaller


def explain(linux, tessera, seed, program):
    small = Minimiser(linux, tessera, seed, program)
    ops = small.run()
    if ops is None:
        print(f"# program {program} of seed {seed}: not seen again")
        return
    print(f"# program {program} of seed {seed}, operations {ranges(ops)}:")
    a, b = small.texts(ops)
    for i in range(max(len(a), len(b))):
        x = a[i] if i < len(a) else "(ended)"
        y = b[i] if i < len(b) else "(ended)"
        print(f"#   {x}" if x == y else f"# L {x}\n# T {y}")
    sys.stdout.flush()


def compare(args, linux, tessera, seed, first, last):
    """The programs of [first, last) that differ, and what Tessera entered."""
    with concurrent.futures.ThreadPoolExecutor(min(args.jobs, 2)) as pool:
        a = pool.submit(digests, linux, seed, first, last)
        b = pool.submit(digests, tessera, seed, first, last)
        a, b = a.result(), b.result()
    bad = [(n, a.get(n), b.get(n)) for n in range(first, last) if a.get(n) != b.get(n)]
    return bad, b[None]


def excused(linux, tessera, seed, n, first):
    """Whether a program that differed (Tessera answered `first`) does so only sometimes, and
    Tessera always answers the same. Blocks of Linux's files are counted late when the machine
    is short of memory or time, so one run there tells nothing."""
    same = False
    for _ in range(AGAIN):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            a, b = (pool.submit(digests, m, seed, n, n + 1) for m in (linux, tessera))
            if b.result().get(n) != first:
                return False
            same = same or a.result().get(n) == first
    return same


def report_entered(entered, number):
    """The case that every way was entered: 1 if one was not."""
    print("# entered, by what was met: nothing rearranged, some pages, whole leaf tables")
    names = list(dict.fromkeys(name for name, _ in entered))
    for name in names:
        counts = [entered[name, i] for i in range(3) if (name, i) in entered]
        print(f"#   {name:18} " + " ".join(f"{n:9}" for n in counts))
    never = [f"{name}/{i}" for (name, i), n in entered.items() if n == 0]
    print(f"{'not ok' if never else 'ok'} {number} - every way of {len(entered)} was entered"
          + (f" # never: {' '.join(never)}" if never else ""))
    return 1 if never or not entered else 0


def one_round(args, linux, tessera, seed, number, entered):
    """Cases of BATCH programs; (passed, failed). Adds to what was entered."""
    starts = range(0, args.programs, args.boot)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        work = [pool.submit(compare, args, linux, tessera, seed, s,
                            min(s + args.boot, args.programs)) for s in starts]
        done = [w.result() for w in work]
    bad, unsteady = [], []
    for d in (d for differing, _ in done for d in differing):
        (unsteady if excused(linux, tessera, seed, d[0], d[2]) else bad).append(d)
    for n, a, b in unsteady:
        print(f"# program {n} of seed {seed} differed once: Linux {a}, Tessera {b}")
    if len(unsteady) * UNSTEADY > max(args.programs, UNSTEADY):
        bad += unsteady
    for _, counts in done:
        entered.update(counts)
    failed = 0
    for i, first in enumerate(range(0, args.programs, BATCH)):
        last = min(first + BATCH, args.programs)
        wrong = [n for n, _, _ in bad if first <= n < last]
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number + i + 1} - programs {first}..{last - 1} "
              f"of seed {seed}, {(last - first) * OPS} operations"
              + (f" # differ: {' '.join(map(str, wrong))}" if wrong else ""))
    for n, a, b in bad[:args.explain]:
        print(f"# {n}: Linux {a}, Tessera {b}")
        explain(linux, tessera, seed, n)
    sys.stdout.flush()
    entered["unsteady"] += len(unsteady)
    return (args.programs + BATCH - 1) // BATCH - failed, failed


def judge_themselves(args, linux, tessera, seed, number):
    """One case for each kind of programs that know what is right; (passed, failed)."""
    kinds = [("threads", linux, ""), ("threads", tessera, ""),
             ("threads", tessera, "pause=always"), ("own", tessera, "")]
    count = max(args.programs * SELF // 1000, 1)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        work = [pool.submit(machine.run, kind, str(seed), "0", str(count), cmdline=cmdline)
                for kind, machine, cmdline in kinds]
        texts = [w.result()[0].splitlines() for w in work]
    failed = 0
    for i, ((kind, machine, cmdline), text) in enumerate(zip(kinds, texts)):
        done = [line.split() for line in text if re.match(r"\d+ \d+ illegal ", line)]
        wrong = [words for words in done if words[3:] != ["0", "status", "0"]]
        good = not wrong and len(done) == count
        where = ("Tessera" if machine.guest else "Linux") + (f" {cmdline}" if cmdline else "")
        print(f"{'ok' if good else 'not ok'} {number + i} - {kind} on {where}, {len(done)} "
              f"programs of seed {seed}, {sum(int(words[1]) for words in done)} operations")
        for line in [] if good else [l for l in text if l[:1] == "#"][:20] + [
                " ".join(words) for words in wrong[:10]]:
            print(f"#   {line}")
        failed += not good
    sys.stdout.flush()
    return len(kinds) - failed, failed


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--programs", type=int, default=1000)
    p.add_argument("--hours", type=float, default=0)
    p.add_argument("--jobs", type=int, default=int(os.environ.get("TEST_JOBS", "2")))
    p.add_argument("--boot", type=int, default=BOOT)
    p.add_argument("--explain", type=int, default=3, help="differing programs made small")
    p.add_argument("--kernel", help="another kernel than that of the tree")
    p.add_argument("--cpus", type=int, default=1, help="of Tessera's machine")
    p.add_argument("--minimise", nargs=2, type=int, metavar=("SEED", "PROGRAM"))
    args = p.parse_args()
    linux = Machine(args.build, False)
    tessera = Machine(args.build, True, args.kernel, args.cpus)
    if args.minimise:
        return explain(linux, tessera, *args.minimise)
    if tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) < LINUX:
        print(f"1..1\nok 1 - programs # SKIP this Linux is older than {LINUX}")
        print("0 passed, 0 failed")
        return 0
    end, passed, failed = time.monotonic() + args.hours * 3600, 0, 0
    seed, entered, rounds = args.seed, collections.Counter(), 0
    print("TAP version 13", flush=True)
    while True:
        good, bad = one_round(args, linux, tessera, seed, passed + failed, entered)
        passed, failed, rounds = passed + good, failed + bad, rounds + 1
        good, bad = judge_themselves(args, linux, tessera, seed, passed + failed + 1)
        passed, failed = passed + good, failed + bad
        if time.monotonic() >= end:
            break
        seed = random.SystemRandom().randrange(1, 1 << 48)
        print(f"# seed {seed}", flush=True)
    print(f"# {rounds * args.programs * OPS} operations, {failed} cases with differences, "
          f"{entered.pop('unsteady', 0)} programs differed once and not again")
    if args.programs >= ENOUGH:
        bad = report_entered(entered, passed + failed + 1)
        passed, failed = passed + 1 - bad, failed + bad
    print(f"1..{passed + failed}\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
