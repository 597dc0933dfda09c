#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The argument oracle: args.py BUILD_DIR. Runs build/tests/args/args inside Tessera and
# compares its lines with those recorded on Linux (linux.txt). Lines that rightly differ, or
# of which no more is known than that they do, stand in differs.txt: what Tessera answers,
# with the reason. --record writes linux.txt on this machine (it becomes uid 65534).
# One TAP case for each call.
import argparse
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
                result[" ".join(words[:3])] = " ".join(words[3:])
    return result


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--record", action="store_true")
    args = p.parse_args()
    program = os.path.join(TOP, args.build, "tests/args/args")
    recorded = os.path.join(HERE, "linux.txt")
    if args.record:
        out = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, check=True).stdout
        with open(recorded, "w", encoding="utf-8") as f:
            f.write(out.removesuffix("done\n"))
        return 0
    done = subprocess.run([os.path.join(TOP, "tools/run"), "-t", "300", "--", program],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", check=False)
    here = os.path.join(TOP, args.build, "logs/args.txt")
    os.makedirs(os.path.dirname(here), exist_ok=True)
    with open(here, "w", encoding="utf-8") as f:
        f.write(done.stdout)
    got, want = lines_of(here), lines_of(recorded)
    differs = lines_of(os.path.join(HERE, "differs.txt"))
    calls = list(dict.fromkeys(key.split()[0] for key in want))
    print(f"TAP version 13\n1..{len(calls)}")
    failed = 0
    for number, call in enumerate(calls, 1):
        wrong = [key for key in want if key.split()[0] == call and
                 got.get(key) != differs.get(key, want[key])]
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} - {call}: "
              f"{sum(k.split()[0] == call for k in want)} trials"
              + (f" # {len(wrong)} differ" if wrong else ""))
        for key in wrong:
            print(f"#   {key}: {got.get(key, 'nothing')}, Linux {want[key]}")
    print(f"{len(calls) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
