# SPDX-License-Identifier: MIT
#
# What the modules of this directory share: cases, running programs inside Tessera, TAP.
#
# A case is a function of its scratch directory; its first line of documentation is its
# name. It fails by raising. Cases of a group run only when the group is asked for.
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUN = os.path.join(TOP, "tools/run")
HERE = os.path.join(TOP, "tests/run")
BUSYBOX = "/bin/busybox"
CASES = []


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def add(fn, name, what, group=None):
    CASES.append((fn, name, what, group))


def case(fn):
    add(fn, fn.__name__, fn.__doc__)
    return fn


def run(*words, options=(), stdin=subprocess.DEVNULL, data=None, status=0):
    """Standard output and error of a program inside Tessera, whose status is checked."""
    command = [RUN, "-t", "240", *options, "--", *words]
    how = {"input": data} if data is not None else {"stdin": stdin}
    done = subprocess.run(command, capture_output=True, check=False, timeout=600, **how)
    if done.returncode != status:
        tail = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Failure(f"status {done.returncode}, want {status}: {' '.join(tail)}")
    return done.stdout, done.stderr


def same(got, want, what="output"):
    if got != want:
        raise Failure(f"{what} is {got[:120]!r}, want {want[:120]!r}")


def host(*words, data=None, cwd=None):
    return subprocess.run(words, input=data, capture_output=True, check=True, cwd=cwd).stdout


def build(work, compiler, source, *flags):
    """The path of a program of this directory, compiled."""
    program = os.path.join(work, os.path.splitext(source)[0])
    subprocess.run([compiler, "-static", "-O2", "-std=gnu17", "-Wall", "-Wextra", "-Werror",
                    "-o", program, os.path.join(HERE, source), *flags],
                   check=True)
    return program


def verdict(fn):
    """(failed, what stands after the name on the TAP line)"""
    with tempfile.TemporaryDirectory(prefix="tessera-test-") as work:
        try:
            fn(work)
        except Skip as e:
            return False, f" # SKIP {e}"
        except (Failure, ValueError, OSError, subprocess.SubprocessError) as e:
            return True, " # " + str(e).replace("\n", " ")
    return False, ""


def main():
    """PROGRAM BUILD_DIR [--group NAME] [CASE...]"""
    wanted = sys.argv[2:]
    group = None
    if wanted[:1] == ["--group"]:
        group, wanted = wanted[1], wanted[2:]
    todo = [c for c in CASES if (c[1] in wanted if wanted else c[3] == group)]
    failed = skipped = 0
    print(f"TAP version 13\n1..{len(todo)}", flush=True)
    for number, (fn, name, what, _) in enumerate(todo, 1):
        wrong, remark = verdict(fn)
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}: {what}{remark}", flush=True)
        failed += wrong
        skipped += remark.startswith(" # SKIP")
    passed = len(todo) - failed - skipped
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
