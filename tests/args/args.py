#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The argument oracle: args.py BUILD_DIR. Runs build/tests/args/args inside Tessera and
# compares its lines with those recorded on Linux (linux.txt). Lines that rightly differ, or
# of which no more is known than that they do, stand in differs.txt: what Tessera answers,
# with the reason ("* *": all trials of a call). The same for root, without the calls that would change the machine:
# linux-root.txt holds what Linux answers root otherwise, differs-root.txt what Tessera does.
# --record writes linux.txt and linux-root.txt on this machine (it must be root).
# One TAP case for each call, and one for root.
import argparse
import concurrent.futures
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


def lines_of(path):
    """{'call slot value': result}; what follows '#' is the reason."""
    result = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            words = line.split("#")[0].split()
            if len(words) >= 4:
                # a call that made a process returns twice, in any order
                result[" ".join(words[:3])] = " ".join(words[3:]).replace("0positive",
                                                                          "positive0")
    return result


def run_on_linux(program, *words):
    return subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=True).stdout.removesuffix("done\n")


def record(program):
    """As uid 65534; of root's answers those that are others."""
    user = run_on_linux(program)
    known = set(user.splitlines())
    root = [line for line in run_on_linux(program, "root").splitlines() if line not in known]
    for name, text in (("linux.txt", user), ("linux-root.txt", "\n".join(root) + "\n")):
        with open(os.path.join(HERE, name), "w", encoding="utf-8") as f:
            f.write(text)


def run_here(build, *words):
    """The lines inside Tessera; they stay in build/logs."""
    program = os.path.join(TOP, build, "tests/args/args")
    done = subprocess.run([os.path.join(TOP, "tools/run"), "-t", "300", "--", program, *words],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", check=False)
    here = os.path.join(TOP, build, "logs", "-".join(("args", *words)) + ".txt")
    os.makedirs(os.path.dirname(here), exist_ok=True)
    with open(here, "w", encoding="utf-8") as f:
        f.write(done.stdout)
    return lines_of(here)


def report(number, name, keys, got, want):
    """One case; whether it failed."""
    wrong = [key for key in keys if got.get(key) != want[key]]
    print(f"{'not ok' if wrong else 'ok'} {number} - {name}: {len(keys)} trials"
          + (f" # {len(wrong)} differ" if wrong else ""))
    for key in wrong:
        print(f"#   {key}: {got.get(key, 'nothing')}, expected {want[key]}")
    return bool(wrong)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--record", action="store_true")
    args = p.parse_args()
    if args.record:
        record(os.path.join(TOP, args.build, "tests/args/args"))
        return 0
    files = {name: lines_of(os.path.join(HERE, name + ".txt"))
             for name in ("linux", "linux-root", "differs", "differs-root")}
    want = {**files["linux"], **files["differs"]}
    for call in (key.split()[0] for key in files["differs"] if key.endswith("* *")):
        want |= {k: files["differs"][f"{call} * *"] for k in want if k.split()[0] == call}
    as_root = {**want, **files["linux-root"], **files["differs-root"]}
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("TEST_JOBS", "2"))) as pool:
        user, root = pool.submit(run_here, args.build), pool.submit(run_here, args.build, "root")
        user, root = user.result(), root.result()
    groups = {}
    for key in files["linux"]:
        groups.setdefault(key.split()[0], []).append(key)
    tried = {key.split()[0] for key in root}
    print(f"TAP version 13\n1..{len(groups) + 1}")
    failed = sum(report(i, call, groups[call], user, want)
                 for i, call in enumerate(groups, 1))
    failed += report(len(groups) + 1, f"as root, {len(tried)} calls",
                     [key for key in files["linux"] if key.split()[0] in tried], root, as_root)
    print(f"{len(groups) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
