#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# tools/run and Debian's own programs inside Tessera: programs.py BUILD_DIR [FILTER...].
# Each case runs one unmodified program and compares output, error output and status with
# what they must be, or with the same program on this machine. TAP on standard output.
# The modules imported here for their cases: accels, costs, databases, debugger, hostfiles, hostile, mosaic, stress,
# tables, terminal, using.
import hashlib
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import accels  # noqa: F401
import costs  # noqa: F401
import databases  # noqa: F401
import debugger  # noqa: F401
import hostfiles  # noqa: F401
import hostile  # noqa: F401
import mosaic  # noqa: F401
import stress  # noqa: F401
import tables  # noqa: F401
import terminal  # noqa: F401
import using  # noqa: F401
from console import PROMPT, Console
from harness import BUSYBOX, RUN, TOP, Failure, case, host, main, run, same


@case
def streams(_):
    """output and error output apart, status of the shell"""
    out, err = run(BUSYBOX, "sh", "-c", "echo out; echo err >&2; exit 7", status=7)
    same(out, b"out\n")
    same(err, b"err\n", "error output")


@case
def killed(_):
    """128 + signal"""
    run(BUSYBOX, "sh", "-c", "kill -9 $$", status=137)
    run(BUSYBOX, "sh", "-c", "kill -SEGV $$", status=139)


@case
def time_limit(_):
    """124 at the time limit"""
    run(BUSYBOX, "sleep", "100", options=("-t", "2"), status=124)


@case
def panic_status(work):
    """125 and the panic's text when the kernel panics"""
    empty = os.path.join(work, "empty.cpio")
    subprocess.run([os.path.join(TOP, "tools/mkinitrd.py"), "-o", empty], check=True)
    _, err = run(BUSYBOX, "true", options=("--initramfs", empty), status=125)
    if b"kernel panic: " not in err or b"backtrace" not in err:
        raise Failure("no panic report on the error output")


LOCK_FAULTS = {
    "spin-not-held": b"spin_not_held without the lock &spin",
    "mutex-not-held": b"mutex_not_held without the lock &mutex",
    "mutex-of-another": b"mutex_of_another without the lock &mutex",
    "mutex-shared": b"mutex_shared without the exclusive lock &mutex",
    "mutex-under-spin": b"assertion failed: mutex_may_take",
    "touch-under-mutex": b"uaccess_check touches program memory with a lock held",
    "touch-under-spin": b"uaccess_check touches program memory with a lock held",
    "spin-twice": b"assertion failed: !spin_is_mine",
}


@case
def lock_faults(_):
    """a debug kernel reports each kind of fault of locking"""
    kernel = os.path.join(TOP, os.environ.get("TESSERA_BUILD", "build"), "debug/kernel.elf")
    for fault, want in LOCK_FAULTS.items():
        _, err = run(BUSYBOX, "true", status=125,
                     options=("--kernel", kernel, "--cmdline", f"fault={fault}"))
        if want not in err:
            raise Failure(f"{fault} is not reported")


@case
def input_file(work):
    """standard input from a file"""
    path = os.path.join(work, "in")
    with open(path, "wb") as f:
        f.write(b"from a file\n" * 1000)
    with open(path, "rb") as f:
        same(run(BUSYBOX, "cat", stdin=f)[0], b"from a file\n" * 1000)


@case
def input_pipe(_):
    """standard input from a pipe, at once"""
    same(run(BUSYBOX, "wc", "-c", data=b"x" * 300000)[0].strip(), b"300000")


@case
def input_slow(_):
    """standard input from a pipe, piece by piece"""
    slow = subprocess.Popen(["sh", "-c", "echo a; sleep 1; echo b; sleep 1; echo c"],
                            stdout=subprocess.PIPE)
    same(run(BUSYBOX, "cat", stdin=slow.stdout)[0], b"a\nb\nc\n")
    slow.wait()


@case
def input_idle(_):
    """an idle pipe as standard input hinders nobody"""
    r, w = os.pipe()
    same(run(BUSYBOX, "echo", "free", stdin=r)[0], b"free\n")
    os.close(w)


@case
def added_files(work):
    """--add of files and directories"""
    os.makedirs(os.path.join(work, "dir/inner"))
    with open(os.path.join(work, "dir/inner/f"), "w", encoding="ascii") as f:
        f.write("inside\n")
    out, _ = run(BUSYBOX, "sh", "-c", "pwd; cat dir/inner/f; cat /opt/there/inner/f",
                 options=("--add", f"{work}/dir", "--add", f"{work}/dir:/opt/there"))
    same(out, b"/tmp/run\ninside\ninside\n")


@case
def named_files(work):
    """files named as arguments come along; one of /proc means the guest's, which is not read here"""
    path = os.path.join(work, "named")
    with open(path, "w", encoding="ascii") as f:
        f.write("from this machine\n")
    out, _ = run(BUSYBOX, "head", "-qn1", path, "/proc/version")
    lines = out.splitlines()
    if len(lines) != 2 or lines[0] != b"from this machine" or b"Tessera" not in lines[1]:
        raise Failure(f"output: {out!r}")
    # Reading this one from its beginning is an error, so it cannot have been copied.
    out, _ = run(BUSYBOX, "stat", "-c", "%n", "/proc/self/mem")
    same(out, b"/proc/self/mem\n")


@case
def trace(work):
    """--trace names the program's calls"""
    path = os.path.join(work, "trace")
    run(BUSYBOX, "echo", "traced", options=("--trace", path))
    with open(path, encoding="ascii") as f:
        text = f.read()
    if "write" not in text or "execve" not in text:
        raise Failure("no write or execve in the trace")


@case
def icount(_):
    """--icount: the same run twice"""
    first = run(BUSYBOX, "cat", "/proc/uptime", options=("--icount",))[0]
    same(run(BUSYBOX, "cat", "/proc/uptime", options=("--icount",))[0], first)


@case
def busybox_shell(_):
    """busybox sh: pipes, redirections, substitution, loops"""
    script = ("for i in 3 1 2; do echo $i; done | sort > s; cat s | tr '\\n' ' '; "
              "echo $(wc -l < s) $((6 * 7)); (exit 3) || echo three $?; "
              "cat <<X | sed s/a/b/\naa\nX\n")
    same(run(BUSYBOX, "sh", "-c", script)[0], host(BUSYBOX, "sh", "-c",
                                                   f"cd $(mktemp -d); {script}"))


@case
def busybox_tools(_):
    """dd, tar, awk, find, gzip agree with the host's"""
    script = ("dd if=/dev/zero bs=1000 count=300 2>/dev/null | md5sum; mkdir d; "
              "seq 1 5000 > d/n; tar cf t d; rm -r d; tar xf t; md5sum < d/n; "
              "awk '{ s += $1 } END { print s }' d/n; gzip -c d/n | gunzip | md5sum; "
              "find d | sort; sort -r -n d/n | head -n 3")
    same(run(BUSYBOX, "sh", "-c", script)[0], host(BUSYBOX, "sh", "-c",
                                                   f"cd $(mktemp -d); {script}"))


@case
def busybox_proc(_):
    """ls -l /proc, ps, free, mount"""
    out, _ = run(BUSYBOX, "sh", "-c", "ls -l /proc; ps; free; mount; ls -l /proc/self/fd")
    for word in (b"self -> ", b"PID", b"Mem:", b"proc on /proc", b"meminfo"):
        if word not in out:
            raise Failure(f"{word!r} is missing")


@case
def pmap_formats(_):
    """Debian's pmap in its four formats: every field of smaps adds up"""
    for option in ("-p", "-x", "-X", "-XX"):
        out, err = run("/usr/bin/pmap", option, "1")
        lines = out.decode().splitlines()
        same(err, b"", f"pmap {option} complains and it")
        for word in ("/init", "stack"):
            if word not in out.decode():
                raise Failure(f"pmap {option}: {word} is missing")
        if option in ("-X", "-XX"): # columns as on Linux, and their sums below them
            head = lines[1].split()
            for field in ("Address", "Perm", "Size", "Rss", "Pss", "Referenced", "Anonymous"):
                if field not in head:
                    raise Failure(f"pmap {option}: no column {field}")
            rows = [line.split() for line in lines[2:-2]]
            column = head.index("Rss")
            same(str(sum(int(row[column]) for row in rows)),
                 lines[-1].split()[head.index("Rss") - head.index("Size")], "sum of Rss")


@case
def sha256(work):
    """sha256sum of 2 MB equals the host's"""
    data = os.urandom(2 << 20)
    path = os.path.join(work, "big")
    with open(path, "wb") as f:
        f.write(data)
    out, _ = run(BUSYBOX, "sha256sum", "big", options=("--add", path))
    same(out.split()[0].decode(), hashlib.sha256(data).hexdigest())


def compiled(work, compiler, *flags):
    source = os.path.join(work, "hello.c")
    program = os.path.join(work, "hello")
    with open(source, "w", encoding="ascii") as f:
        f.write('#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
                'int main(int c, char **v) { char *p = malloc(1 << 22);\n'
                'memset(p, 1, 1 << 22); printf("%s %d %.3f\\n", v[c - 1], p[99], 1.5);\n'
                'free(p); return 42; }\n')
    subprocess.run([compiler, *flags, "-O1", "-o", program, source], check=True)
    out, _ = run(program, "arg", status=42)
    same(out, b"arg 1 1.500\n")


@case
def glibc_static(work):
    """a static glibc program"""
    compiled(work, "gcc", "-static")


@case
def glibc_static_pie(work):
    """a static-pie glibc program"""
    compiled(work, "gcc", "-static-pie")


@case
def glibc_dynamic(work):
    """a dynamic glibc program"""
    compiled(work, "gcc")


@case
def musl_static(work):
    """a static musl program"""
    compiled(work, "musl-gcc", "-static")


@case
def musl_dynamic(work):
    """a dynamic musl program"""
    compiled(work, "musl-gcc")


@case
def debian_cat(_):
    """Debian's dynamic cat"""
    same(run("/bin/cat", "-n", data=b"a\nb\n")[0], host("/bin/cat", "-n", data=b"a\nb\n"))


@case
def klibc_shell(_):
    """klibc's sh"""
    out, _ = run("/usr/lib/klibc/bin/sh", "-c", "echo klibc $((3 * 4)) | { read x; echo $x; }")
    same(out, b"klibc 12\n")


@case
def script(work):
    """a script and its interpreter"""
    path = os.path.join(work, "script")
    with open(path, "w", encoding="ascii") as f:
        f.write('#!/bin/sh\necho "$0" "$1" "$2"\n')
    os.chmod(path, 0o755)
    same(run(path, "one", "two")[0], f"{path} one two\n".encode())


@case
def console_line(_):
    """the console: line editing, end of file, signals, raw mode, power-off"""
    with Console(RUN) as c:
        c.expect(PROMPT)
        c.command(b"tty", b"/dev/console")
        c.type(b"cat\n")
        c.type(b"one\x15two thre\x17four\x7f\x7fr\n")  # ^U, ^W, erase
        c.expect(b"\r\ntwo for\r\n")
        c.type(b"\x04")
        c.expect(PROMPT)
        c.type(b"sleep 100\n")
        c.type(b"\x03")
        c.expect(PROMPT)
        c.command(b"echo status $?", b"status 130")
        c.type(b"sleep 100\n")
        c.type(b"\x1c")
        c.expect(PROMPT)
        c.command(b"echo status $?", b"status 131")
        c.type(b"stty -icanon -echo min 1; dd bs=1 count=3 2>/dev/null; stty sane\n")
        c.type(b"a\x04\x7f")
        c.expect(b"a\x04\x7f")
        c.expect(PROMPT)
        c.command(b"stty size; stty rows 50 cols 132; stty size", b"50 132")
        same(c.end(), 0, "status")


@case
def console_jobs(_):
    """the console: stop, background, foreground, background reading and writing"""
    with Console(RUN) as c:
        c.expect(PROMPT)
        c.type(b"sleep 100 | cat\n")
        c.type(b"\x1a")
        c.expect(b"Stopped")
        c.expect(PROMPT)
        c.command(b"jobs", b"Stopped")
        c.command(b"bg", b"sleep 100")
        c.type(b"fg\n")
        c.type(b"\x03")
        c.expect(PROMPT)
        c.command(b"cat &", b"")
        c.command(b"jobs", b"Stopped (tty input)")
        c.command(b"kill %1; wait; echo gone", b"gone")
        c.command(b"stty tostop; echo background &", b"")
        c.command(b"jobs", b"Stopped (tty output)")
        c.command(b"stty -tostop; fg", b"background")
        c.type(b"exit\n")  # a new session, a new shell
        c.expect(PROMPT)
        c.command(b"tty", b"/dev/console")
        same(c.end(), 0, "status")


@case
def demos(_):
    """the demonstrations below /demo: the same results as on this machine"""
    build = os.path.join(TOP, sys.argv[1] if len(sys.argv) > 1 else "build")
    for name, way in (("ring", b""), ("sorted", b" by remapv"), ("pool", b" by remapv"),
                      ("rma", b" by remap_swap")):
        out, _ = run(BUSYBOX, "sh", "-c", f"/demo/{name}")
        if not out.endswith(b": ok\n") or way not in out:
            raise Failure(f"{name} prints {out!r}")
        here = host(os.path.join(build, "user/demo", name))
        for call in (b"remapv", b"remap_swap"):
            out = out.replace(call, b"remap_file_pages")
        same(out, here)


if __name__ == "__main__":
    sys.exit(main())
