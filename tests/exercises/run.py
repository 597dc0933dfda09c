#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Exercises: docs/exercises.

    run.py BUILD N          the test of exercise N: skipped until the work is begun; status 1: not done
    run.py BUILD --all      every test is skipped in this tree, fails when it is begun without the work, and passes
                            in a copy with the solution
    run.py BUILD --all N... the same of these
    run.py BUILD --apply    the solutions and the faults still fit this tree (a part of `make lint`)

A line "begun: FILE WORD" of a test, tests/exercises/N.*, says when the work counts as begun. N.txt is a script of
the explorer; "# expect: ..." says what the picture after the line before must have. N.c is a program; "runs: here
[SOURCES]" on this machine, with sanitizers, "runs: kernel" inside Tessera. N.goal says the same of the picture behind the
last line of the reader's script. N.fault is a patch that breaks the memory
manager: the reader's script must run clean as it is, and tell with it."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS, SOLUTIONS = "tests/exercises", "docs/exercises/solutions"
COPIED = ("Makefile", "arch", "fs", "kernel", "lib", "mm", "tests", "tools", "user", "docs/exercises")
HOST_C = ["-std=gnu17", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-DTESSERA_HOST", "-I.", "-Itools/explorer", "-Iarch/include",
          "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
USER_C = ["musl-gcc", "-std=gnu17", "-static", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-I."]
SCRIPT_LINES = 12  # of a script that shall find a fault


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def complaint(done):
    return "" if done.returncode == 0 else done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}"


def file_of(number):
    return next(p for p in sorted((ROOT / TESTS).glob(f"{number}.*")))


def numbers():
    return sorted((p.stem for p in (ROOT / TESTS).iterdir() if p.stem.isdigit()), key=int)


def begun(tree, number):
    file, word = re.search(r"begun: (\S+) (.*)$", file_of(number).read_text(), re.M).groups()
    return (tree / file).exists() and re.search(word, (tree / file).read_text()) is not None


EXACT = "--fuzz=0"  # not where others have been applied before


def patch(tree, file, *options):
    return complaint(run(["patch", "-p1", "-s", "-f", "-l", "--no-backup-if-mismatch", "-d", tree, *options, "-i", file]))


def solution(number):
    return next((ROOT / SOLUTIONS).glob(f"{number}-*.patch"))


# ---- scripts of the explorer ----

def explorer(tree, build):
    """Makes its program; what is wrong."""
    return complaint(run(["make", "-s", f"-j{os.cpu_count()}", "-C", tree, "-f", f"{TESTS}/Makefile",
                          f"O={os.path.relpath(build, tree)}"]))


def play(build, lines):
    return run([build / "explorer" / "host" / "explorer"], input="".join(line + "\n" for line in lines))


def found(picture, what):
    """What the picture has of a line: counter NAME, resident PROCESS KIND, present PROCESS."""
    if what[0] == "counter":
        return picture["counters"].get(what[1])
    proc = next(p for p in picture["procs"] if p["name"] == what[1])
    if what[0] == "resident":
        return proc["resident"][int(what[2])]
    return sum(len(t["has"]) for t in proc["tables"] if t["level"] == 0)


def test_script(tree, build, text):
    wrong = explorer(tree, build)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    out = None if wrong else play(build, lines)
    if wrong or out.returncode:
        return wrong or complaint(out)
    at, after, answers = -1, "", out.stdout.split("\n")
    for line in text.splitlines():
        if line.startswith("# expect: "):
            *what, want = line.split()[2:]
            have = found(json.loads(answers[2 * at + 2]), what)
            if have != int(want):
                return f"after `{after}`: {' '.join(what)} must be {want}, and is {have}"
        elif line and not line.startswith("#"):
            at, after = at + 1, line
    return ""


# ---- a script that must find a fault ----

def test_finding(tree, build, number):
    lines, wrong = own_script(tree, number, SCRIPT_LINES)
    if wrong:
        return wrong
    good = explorer(tree, build)
    clean = None if good else play(build, lines)
    if good or clean.returncode:
        return good or "without the fault: " + complaint(clean)
    broken = copy(build, f"{number}-broken", tree, ("lib", "mm", "arch", "tools", TESTS))
    wrong = patch(broken, file_of(number)) or explorer(broken, broken / "build")
    if wrong:
        return wrong
    told = play(broken / "build", lines)
    return "" if told.returncode or told.stdout != clean.stdout else "with the fault all is as without"


def test_goal(tree, build, number, text):
    lines, wrong = own_script(tree, number, int(re.search(r"lines: (\d+)", text)[1]))
    return wrong or test_script(tree, build, "\n".join(lines + re.findall(r"^# expect: .*$", text, re.M)))


def own_script(tree, number, most):
    """The reader's lines, and what is wrong."""
    if not (tree / begun_file(number)).exists():
        return [], "there is no script"
    lines = [line for line in (tree / begun_file(number)).read_text().splitlines() if line and not line.startswith("#")]
    return lines, f"{len(lines)} lines; {most} are enough" if len(lines) > most else ""


def begun_file(number):
    return re.search(r"begun: (\S+)", file_of(number).read_text())[1]


# ---- programs ----

def test_program(tree, build, number, place, sources):
    out = build / "exercises" / f"program{number}"
    out.parent.mkdir(parents=True, exist_ok=True)
    tools = USER_C if place == "kernel" else ["gcc", *HOST_C]
    wrong = complaint(run([*tools, "-o", out, f"{TESTS}/{number}.c", *sources], cwd=tree))
    if wrong or place == "here":
        return wrong or complaint(run([out], timeout=600))
    made = complaint(run(["make", "-s", f"-j{os.cpu_count()}", "-C", tree, f"O={os.path.relpath(build, tree)}", "kernel",
                          os.path.relpath(build, tree) + "/initramfs.cpio"]))
    return made or complaint(run([tree / "tools/run", "-m", "512", "-t", "300", "--", out], cwd=tree))


def test(tree, build, number):
    """"skipped", "" when done, or what is wrong."""
    return judged(tree, build, number) if begun(tree, number) else "skipped"


def judged(tree, build, number):
    """"" when done, or what is wrong, begun or not."""
    file = file_of(number)
    text = file.read_text()
    if file.suffix == ".txt":
        return test_script(tree, build, text)
    if file.suffix == ".goal":
        return test_goal(tree, build, number, text)
    if file.suffix == ".fault":
        return test_finding(tree, build, number)
    place, *sources = re.search(r"runs: (.*)$", text, re.M)[1].split()
    return test_program(tree, build, number, place, sources)


# ---- all of them ----

def copy(build, name, source, what):
    """A copy of the tree; what is built comes along, so that only what changes is compiled again."""
    tree = build / "exercises" / name
    shutil.rmtree(tree, ignore_errors=True)
    for part in what:
        (tree / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source / part, tree / part)
    if (build / "explorer" / "host").exists():
        shutil.copytree(build / "explorer" / "host", tree / "build" / "explorer" / "host")
    return tree


def in_kernel(number):
    return "runs: kernel" in file_of(number).read_text()


def solved(build, number):
    """The test in a copy of the tree with the solution applied."""
    tree = copy(build, number, ROOT, COPIED)
    return patch(tree, solution(number), EXACT) or test(tree, tree / "build", number)


def solved_in_kernel(build, wanted):
    """Those of the kernel in one copy, with one kernel. What is wrong, by number."""
    tree = copy(build, "kernel", ROOT, COPIED)
    for name in ("release", "user", "initramfs.cpio", "vdso.o", "vdso.so", "font.c"):
        if (build / name).is_dir():
            shutil.copytree(build / name, tree / "build" / name)
        elif (build / name).exists():
            shutil.copy2(build / name, tree / "build" / name)
    wrong = {n: patch(tree, solution(n)) for n in wanted}
    return {n: wrong[n] or test(tree, tree / "build", n) for n in wanted}


def apply():
    """What no longer fits, tried without changing anything."""
    faults = 0
    for number in numbers():
        files = [solution(number)] + [file_of(number)] * (file_of(number).suffix == ".fault")
        for file in files:
            wrong = patch(ROOT, file, "--dry-run", EXACT)
            if wrong:
                faults += 1
                print(f"{file.relative_to(ROOT)} does not fit any more:\n{wrong}")
    print(f"exercises: {len(numbers())} of them, {faults} patches that do not fit")
    return faults


def everything(build, which):
    wanted = [n for n in which if in_kernel(n)]
    after = solved_in_kernel(build, wanted) if wanted else {}
    after.update({n: solved(build, n) for n in which if n not in after})
    faults = 0
    for at, number in enumerate(which, 1):
        wrong = [why for why, is_wrong in (
            ("its test is not skipped here", begun(ROOT, number)),
            ("its test passes without the work", not judged(ROOT, build, number)),
            (f"with its solution: {after[number]}", after[number])) if is_wrong]
        faults += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {at} - exercise {number}: {'; '.join(wrong) or 'solved by its solution alone'}")
    print(f"{len(which) - faults} passed, {faults} failed")
    return faults


def main():
    build, what = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    if what == "--apply":
        sys.exit(apply() != 0)
    if what == "--all":
        sys.exit(everything(build, sys.argv[3:] or numbers()) != 0)
    if what not in numbers():
        sys.exit(f"exercise {what}: there is none; there are {', '.join(numbers())}")
    answer = test(ROOT, build, what)
    print(f"exercise {what}: {answer or 'done'}")
    sys.exit(answer not in ("", "skipped"))


main()
