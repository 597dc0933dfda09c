#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Exercises in the memory manager: docs/exercises.

    run.py BUILD N          the test of exercise N: skipped until the work is begun; status 1: not done
    run.py BUILD --all      every test is skipped in this tree, and passes in a copy with the solution

A test, tests/exercises/N.txt: a script of the explorer, and in lines "# begun: FILE WORD" and
"# expect: ..." when the work counts as begun and what the last picture must have."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NEEDED = ("lib", "mm", "arch", "tools", "tests/exercises", "docs/exercises")


def read(number):
    text = (ROOT / "tests" / "exercises" / f"{number}.txt").read_text()
    begun = re.search(r"^# begun: (\S+) (.*)$", text, re.M)
    expect = [line.split() for line in re.findall(r"^# expect: (.*)$", text, re.M)]
    return begun.groups(), expect, [line for line in text.splitlines() if line and not line.startswith("#")]


def found(picture, what):
    """What the picture has of a line: counter NAME, resident PROCESS KIND, present PROCESS."""
    if what[0] == "counter":
        return picture["counters"].get(what[1])
    proc = next(p for p in picture["procs"] if p["name"] == what[1])
    if what[0] == "resident":
        return proc["resident"][int(what[2])]
    return sum(len(t["has"]) for t in proc["tables"] if t["level"] == 0)


def test(tree, build, number):
    """"skipped", "" when done, or what is wrong."""
    (file, word), expect, script = read(number)
    if not re.search(word, (tree / file).read_text()):
        return "skipped"
    made = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "-C", tree, "-f", "tests/exercises/Makefile",
                           f"O={os.path.relpath(build, tree)}"], capture_output=True, text=True)
    if made.returncode:
        return made.stderr.strip() or made.stdout.strip()
    out = subprocess.run([build / "explorer" / "host" / "explorer"], input="".join(line + "\n" for line in script),
                         capture_output=True, text=True)
    if out.returncode:
        return out.stderr.strip()
    picture = json.loads(out.stdout.rstrip("\n").split("\n")[-1])
    wrong = [(e, found(picture, e)) for e in expect if found(picture, e) != int(e[-1])]
    return "\n".join(f"{' '.join(e[:-1])} must be {e[-1]}, and is {f}" for e, f in wrong)


def solved(build, number):
    """The test in a copy of the tree with the solution applied."""
    tree = build / "exercises" / number
    shutil.rmtree(tree, ignore_errors=True)
    for name in NEEDED:
        source = ROOT / name
        shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    patch = next((ROOT / "docs" / "exercises" / "solutions").glob(f"{number}-*.patch"))
    subprocess.run(["patch", "-p1", "-s", "-d", tree, "-i", patch], check=True)
    if (build / "explorer" / "host").exists():  # what does not change need not be compiled again
        shutil.copytree(build / "explorer" / "host", tree / "build" / "explorer" / "host")
    return test(tree, tree / "build", number)


def main():
    build, what = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    if what != "--all":
        answer = test(ROOT, build, what)
        print(f"exercise {what}: {answer or 'done'}")
        sys.exit(answer not in ("", "skipped"))
    faults, numbers = 0, sorted(p.stem for p in (ROOT / "tests" / "exercises").glob("*.txt"))
    for number in numbers:
        before, after = test(ROOT, build, number), solved(build, number)
        if before != "skipped" or after:
            faults += 1
            print(f"exercise {number}: here {before!r}, solved {after!r}")
    print(f"exercises: {len(numbers)} skipped here and solved by their solutions" if not faults else f"exercises: {faults} faults")
    sys.exit(faults != 0)


main()
