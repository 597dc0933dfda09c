# SPDX-License-Identifier: MIT
#
# Programs that tools/run starts from a terminal have one: size, resize, keys, ^C, TERM; and
# programs of Debian packages come with what they need.
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from console import PROMPT, Console
from harness import RUN, Failure, case, run, same

SECONDS = 120


class Terminal:
    """A program inside Tessera, started from a terminal of ours."""

    def __init__(self, *words, rows=33, columns=99, **environment):
        self.output = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            time.sleep(0.2)  # until the size below is set
            os.execve(RUN, [RUN, *words], {**os.environ, "TERM": "xterm", **environment})
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text)

    def until(self, text):
        """Reads until the text has come."""
        end = time.monotonic() + SECONDS
        while text not in self.output:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise Failure(f"no {text!r} in {self.output[-300:]!r}")
            try:
                self.output += os.read(self.fd, 4096)
            except OSError as e:
                raise Failure(f"ended before {text!r}: {self.output[-300:]!r}") from e
        self.output = self.output.split(text, 1)[1]

    def end(self):
        """The rest of the output and the exit status."""
        try:
            while data := os.read(self.fd, 4096):
                self.output += data
        except OSError:
            pass
        os.close(self.fd)
        return self.output, os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@case
def terminal_shell(_):
    """a shell at a terminal: size, resize, TERM, ^C, job control, status"""
    t = Terminal("--", "bash", "--norc", TERM="xterm-256color", LANG="C.UTF-8")
    t.until(b"# ")
    t.type(b"stty size; tty; echo $TERM $LANG\n")
    t.until(b"33 99\r\n/dev/pts/0\r\nxterm-256color C.UTF-8\r\n")
    t.until(b"# ")
    t.resize(40, 120)
    t.type(b"while [ $(stty size | cut -c1-2) = 33 ]; do :; done; stty size\n")
    t.until(b"40 120")
    # bash itself would miss a key between its own echo and the fork of a sleep.
    t.type(b"/bin/busybox sh -c \"echo be''fore; sleep 1000\"\n")
    t.until(b"before")
    t.type(b"\x03")
    t.until(b"# ")
    t.type(b"echo status $?\n")
    t.until(b"status 130")
    t.type(b"exit 9\n")
    same(t.end()[1], 9, "status")


@case
def terminal_streams(_):
    """output to a pipe from a terminal: only the others are one"""
    t = Terminal("--", "/bin/busybox", "sh", "-c",
                 "test -t 0 && test -t 1 && test -t 2 && echo all; exit 3")
    out, status = t.end()
    same(out.replace(b"\r", b""), b"all\n")
    same(status, 3, "status")
    r, w = os.pipe()
    master, slave = pty.openpty()
    with subprocess.Popen([RUN, "--", "/bin/busybox", "sh", "-c",
                           "test -t 0 && test -t 2 && echo ends; test -t 1 || echo pipe"],
                          stdin=slave, stdout=w, stderr=slave) as p:
        os.close(w)
        with os.fdopen(r, "rb") as f:
            same(f.read(), b"ends\npipe\n")
        same(p.wait(), 0, "status")
    os.close(slave)
    os.close(master)


@case
def terminal_escape(_):
    """Ctrl-] three times ends a machine whose program does not listen"""
    t = Terminal("--", "/bin/busybox", "sh", "-c", "trap '' INT; stty raw; echo go; sleep 1000")
    t.until(b"go")
    t.type(b"\x1d\x1d\x1d")
    same(t.end()[1], 143, "status")


@case
def package_python(_):
    """a bare python3 finds its library"""
    same(run("python3", "-c", "import json, sqlite3; print(json.dumps([1]))")[0], b"[1]\n")
    same(run("perl", "-MPOSIX", "-e", "print floor(3.7)")[0], b"3")


@case
def package_arguments(work):
    """files named as arguments come along; gcc finds its parts and headers"""
    path = os.path.join(work, "a.c")
    with open(path, "w", encoding="ascii") as f:
        f.write("#include <stdio.h>\nint main(void) { return puts(\"\") < 0; }\n")
    run("gcc", "-c", path, "-o", "a.o", options=("-t", "120"))
    out, _ = run("/bin/busybox", "cat", path, "/etc/debian_version")
    with open("/etc/debian_version", encoding="ascii") as f:
        if not out.endswith(b"}\n" + f.read().encode()):
            raise Failure(f"got {out!r}")


@case
def suite_brief(work):
    """make run's suite, for people: every program a line, what fails in full; a hundred of them"""
    options = ["--cmdline", "suite=brief"]
    for i in range(100):
        path = os.path.join(work, f"t_{i}")
        with open(path, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\necho 1..1\n")
            f.write("echo '# why it fails'; echo not ok 1 - bad; exit 1\n" if i == 7 else "echo ok 1 - good\n")
        os.chmod(path, 0o755)
        options += ["--add", f"{path}:/tests/"]
    with Console(RUN, *options) as c:
        seen = c.expect(PROMPT, seconds=240)
        same(c.end(), 0, "status")
    for want in (b"99 passed, 1 failed", b"# why it fails\r\nnot ok 1 - bad", b"t_99 "):
        if want not in seen:
            raise Failure(f"no {want!r}")
    if b"ok 1 - good" in seen:
        raise Failure("a line that nobody wants")
