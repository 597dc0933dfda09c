# SPDX-License-Identifier: MIT
#
# One QEMU machine of a boot test: its serial line is read into a log file and searched,
# lines can be typed at it, and a QMP socket gives screen pictures, keys and the clock.
# Every machine has a limit in seconds of wall clock, generous because tests may share the
# host; one that exceeds it is ended and has failed.
import json
import os
import socket
import subprocess
import tempfile
import threading
import time

PASSED, PANICKED = 33, 255
PROMPT = "tessera:~# "
EXIT_PORT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
COMMON = ["qemu-system-x86_64", "-accel", "tcg", "-display", "none", "-nic", "none",
          "-no-reboot"]
OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"
# Fresh variables each time: the firmware remembers where it booted from.
OVMF = ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF_CODE}",
        "-drive", f"if=pflash,format=raw,unit=1,snapshot=on,file={OVMF_VARS}"]


class Machine:
    """with Machine(args, log, seconds) as m: m.expect("text"); m.type("line"); m.wait()

    args: QEMU's arguments behind COMMON; log: path of the serial log; qmp: whether
    execute() and what stands on it are wanted; serial: whether the first serial port is
    ours, with its log; exit_port: whether the kernel can end QEMU with a status."""

    def __init__(self, args, log, seconds, qmp=False, serial=True, exit_port=True):
        self.log, self.seconds = log, seconds
        self.timed_out = False
        self._data = bytearray()
        self._news = threading.Condition()
        self._closed = False
        self._qmp = self._directory = None
        command = COMMON + (EXIT_PORT if exit_port else []) + args
        if serial:
            command += ["-serial", "stdio"]
        if qmp:
            self._directory = tempfile.TemporaryDirectory(prefix="tessera-qmp-")
            path = os.path.join(self._directory.name, "qmp")
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen(1)
            listener.settimeout(seconds)
            command += ["-chardev", f"socket,id=qmp,path={path}",
                        "-mon", "chardev=qmp,mode=control"]
        os.makedirs(os.path.dirname(log) or ".", exist_ok=True)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._watchdog = threading.Timer(seconds, self._expire)
        self._watchdog.start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if qmp:
            self._greet(listener)

    def _greet(self, listener):
        try:
            self._qmp = listener.accept()[0].makefile("rw", encoding="utf-8")
            self._qmp.readline()
            self.execute("qmp_capabilities")
        except OSError:
            self._qmp = None  # QEMU refused its arguments: wait() tells the status
        finally:
            listener.close()

    def _expire(self):
        self.timed_out = True
        self.process.kill()

    def _read(self):
        with open(self.log, "wb") as f:
            while data := os.read(self.process.stdout.fileno(), 65536):
                f.write(data)
                f.flush()
                with self._news:
                    self._data += data
                    self._news.notify_all()
        with self._news:
            self._closed = True
            self._news.notify_all()

    @property
    def text(self):
        """What came over the serial line so far."""
        with self._news:
            return self._data.decode(errors="replace")

    def expect(self, text, start=0, seconds=None):
        """Waits until `text` stands at or behind byte `start` of the serial line. The byte
        behind it, or None when the machine ended before, its time is over, or `seconds`
        have gone by."""
        wanted = text.encode()
        end = time.monotonic() + (seconds or self.seconds)
        with self._news:
            while (at := self._data.find(wanted, start)) < 0:
                if self._closed or not self._news.wait(max(0, end - time.monotonic())):
                    return None
            return at + len(wanted)

    def type(self, line):
        """Types a line at the serial port."""
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it has ended: wait() tells how

    def execute(self, command, **arguments):
        """A QMP command's result. RuntimeError when QEMU refuses it or has ended."""
        try:
            self._qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
            self._qmp.flush()
            while line := self._qmp.readline():
                answer = json.loads(line)
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise RuntimeError(f"{command}: {answer['error']['desc']}")
        except (OSError, AttributeError):
            pass
        raise RuntimeError(f"{command}: the machine has ended")

    def monitor(self, line):
        """A line for the human monitor; its answer."""
        return self.execute("human-monitor-command", **{"command-line": line})

    def screendump(self, path):
        """The screen as a PNG or PPM file, by the name's ending."""
        kind = "png" if path.endswith(".png") else "ppm"
        self.execute("screendump", filename=os.path.abspath(path), format=kind)

    def send_keys(self, *keys):
        """Presses keys one after the other, by QEMU's names: "a", "ret", "shift-a"."""
        for key in keys:
            codes = [{"type": "qcode", "data": k} for k in key.split("-")]
            self.execute("send-key", keys=codes)

    def wait(self):
        """QEMU's exit status, or None when its time was over."""
        code = self.process.wait()
        self._watchdog.cancel()
        self._reader.join()
        return None if self.timed_out else code

    def quit(self):
        """Ends the machine now."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._watchdog.cancel()
        self._reader.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.quit()
        if self._qmp:
            self._qmp.close()
        if self._directory:
            self._directory.cleanup()
        self.process.stdin.close()
        self.process.stdout.close()


def boot_to_shell(args, log, seconds):
    """Boots to the shell's prompt and switches off from there. None, or what was wrong."""
    with Machine(args, log, seconds) as m:
        if m.expect(PROMPT) is not None:
            m.type("poweroff")
        return fault(m, "boot")


def selftest(args, log, seconds):
    """The kernel's command line must hold `selftest`. None, or what was wrong."""
    with Machine(args, log, seconds) as m:
        wrong = fault(m, "selftest")
        if not wrong and "selftest: passed" not in m.text:
            return "the log lacks the passed selftest"
        return wrong


def fault(machine, what):
    """Waits for the end, which must be the power-off of a healthy machine."""
    code = machine.wait()
    if code is None:
        return f"{what}: no end after {machine.seconds} s"
    if code != PASSED:
        return f"{what}: QEMU status {code}, want {PASSED}"
    return None
