#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# `make release`, twice: release.py [KEEP]. Two clones of this tree, with what is changed here, lie in folders
# whose names differ in length; their environments differ as well. Both must give the same bytes;
# no file may tell where or on what machine it was made; and what one of them gave, alone in a
# folder, must boot by its own script. KEEP: a folder that gets what was made. TAP.
import gzip
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ["LICENSE", "SHA256SUMS", "VERSION", "book.tar.gz", "explorer.html", "initramfs.cpio", "kernel.elf",
         "libtessera-mm.tar.gz", "release-boot", "tessera.img", "tessera.iso"]
NAME_MIN = 6  # of a host's name, to be looked for: a short one may be a word, and one of the documents' is
# folder, build folder, umask, jobs, environment
PLACES = (("a", "build", 0o022, 2, {"TZ": "UTC", "LC_ALL": "C.UTF-8"}),
          ("quite/another/place", "out", 0o077, 3, {"TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": "/nonexistent"}))


def git(tree, *words):
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", tree, *words], capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


def clone(tree):
    """The commit, and above it what differs from it here."""
    subprocess.run(["git", "-c", "safe.directory=*", "clone", "-q", ROOT, tree], check=True)
    for name in git(ROOT, "diff", "--name-only", "-z", "HEAD"):
        (tree / name).unlink(missing_ok=True)
        if (ROOT / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def build(work, place):
    folder, out, umask, jobs, environment = place
    tree = work / folder
    environment = {**os.environ, "CCACHE_DISABLE": "1", **environment}
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "TESSERA_BUILD", "SOURCE_DATE_EPOCH"):
        environment.pop(name, None)
    done = subprocess.run(["make", f"-j{jobs}", f"O={out}", "release"], cwd=tree, env=environment, umask=umask,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    assert done.returncode == 0, f"in {folder}: {done.stdout[-3000:]}"
    return tree / out / "upload"


def all_there(made):
    for folder in made:
        assert sorted(os.listdir(folder)) == FILES, sorted(os.listdir(folder))
        done = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        summed = {line.split()[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
        assert summed == set(FILES) - {"SHA256SUMS"}, summed


def same_bytes(made):
    a, b = made
    differ = [name for name in FILES if (a / name).read_bytes() != (b / name).read_bytes()]
    assert not differ, differ
    assert all((a / name).stat().st_mode == (b / name).stat().st_mode for name in FILES), "modes"


def tells_nothing(made):
    words = [str(folder.parents[1]) for folder in made]
    host = socket.gethostname()
    if len(host) >= NAME_MIN and host.lower() not in (ROOT / "README.md").read_text().lower():
        words.append(host)
    for name in FILES:
        data = (made[0] / name).read_bytes()
        for text in (data, gzip.decompress(data)) if name.endswith(".gz") else (data,):
            told = [word for word in words if word.encode() in text]
            assert not told, f"{name} has {told}"


def boots(made):
    with tempfile.TemporaryDirectory(prefix="tessera-release-") as alone:
        for name in FILES:
            shutil.copy2(made[0] / name, alone)
        done = subprocess.run([f"{alone}/release-boot"], cwd="/", capture_output=True, text=True, errors="replace")
        print("".join(f"# {line}\n" for line in done.stdout.splitlines()), end="")
        assert done.returncode == 0 and "failed" not in done.stdout, done.stderr
        for name in ("files", "kernel", "iso", "usb"):
            assert f"{name}: OK\n" in done.stdout, name


CASES = (all_there, same_bytes, tells_nothing, boots)


def main():
    failed = 0
    print(f"TAP version 13\n1..{len(CASES)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="tessera-release-") as work:
        work = pathlib.Path(work).resolve()
        for place in PLACES:  # all first: the tree here may change meanwhile
            clone(work / place[0])
        made = [build(work, place) for place in PLACES]
        for number, case in enumerate(CASES, 1):
            try:
                case(made)
                print(f"ok {number} - release {case.__name__}", flush=True)
            except AssertionError as wrong:
                failed += 1
                text = str(wrong).replace("\n", "\n# ")
                print(f"not ok {number} - release {case.__name__}\n# {text}", flush=True)
        if len(sys.argv) > 1:
            for folder, kept in zip(made, ("1", "2")):
                shutil.copytree(folder, pathlib.Path(sys.argv[1]) / kept)
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
