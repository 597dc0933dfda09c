# SPDX-License-Identifier: MIT
#
# tools/run --gdb and --dump: GDB on the machine, and its memory in a file after a panic.
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess

GDB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gdb/tessera.py")
LAST_LINE = b"end of the panic report"


def panicked(log):
    """Whether the kernel's log has a whole report of a panic."""
    try:
        with open(log, "rb") as f:
            return LAST_LINE in f.read()
    except OSError:
        return False


class Sockets:
    """What QEMU is spoken to by: its monitor, its stub for GDB."""

    def __init__(self, args, work):
        self.args = args
        self.monitor, self.stub = os.path.join(work, "qmp"), os.path.join(work, "gdb")

    def arguments(self):
        words = ["-qmp", f"unix:{self.monitor},server=on,wait=off"] if self.args.dump else []
        if self.args.gdb:
            words += ["-S", "-chardev", f"socket,id=gdb,path={self.stub},server=on,wait=off", "-gdb", "chardev:gdb"]
        return words

    def dump(self, path):
        """The machine's memory and registers as a core file, by the kernel's addresses."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.monitor)
            with s.makefile("rw", encoding="utf-8") as stream:
                stream.readline()  # its greeting
                for name, arguments in (("qmp_capabilities", {}), ("stop", {}), ("dump-guest-memory", {
                        "paging": True, "protocol": "file:" + os.path.abspath(path)})):
                    stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
                    stream.flush()
                    answer = {}
                    while "return" not in answer:
                        answer = json.loads(stream.readline())
                        if "error" in answer:
                            raise OSError(answer["error"]["desc"])

    def session(self, program):
        """GDB in the foreground, stopped at the program's entry; it owns ^C meanwhile."""
        if not shutil.which("gdb"):
            raise SystemExit("tools/run: GDB is missing: run tools/setup")
        with open(program, "rb") as f:
            entry = int.from_bytes(f.read(32)[24:], "little")
        name = os.path.basename(self.args.program[0])
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        words = ["gdb", "-q", "-iex", "set debuginfod enabled off", self.args.kernel, "-ex", "set confirm off",
                 "-x", GDB, "-ex", f"target remote {self.stub}",
                 "-ex", f"tessera program {shlex.quote(name)} {shlex.quote(os.path.abspath(program))} {entry:#x}"]
        subprocess.run(words + shlex.split(os.environ.get("GDB_ARGS", "")), check=False,
                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        signal.signal(signal.SIGINT, before)
