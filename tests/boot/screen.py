# SPDX-License-Identifier: MIT
#
# The screen, looked at: boots by PVH with a display, types on the serial port, takes
# pictures through QMP and reads them back as text (screentext.py): log, scrolling,
# full-screen programs, colours, the report of a panic, VGA text.
import os
import re
import subprocess
import tempfile
import threading
import time

import screentext

PROMPT = "tessera:~# "
SECONDS = 240
QEMU = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-display", "none",
        "-nic", "none", "-no-reboot", "-cpu", "max", "-m", "256", "-serial", "stdio"]
DEBUG_EXIT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]


class Machine:
    """One boot with a screen; `with` ends it in any case."""

    def __init__(self, build, name, cmdline="", more=("-vga", "std"), debug_exit=True):
        self.work = tempfile.mkdtemp(prefix="tessera-screen-")
        self.picture = os.path.join(build, "logs", f"screen-{name}.ppm")
        self.log = os.path.join(build, "logs", f"screen-{name}.log")
        self.socket = os.path.join(self.work, "qmp")
        args = QEMU + list(more) + (DEBUG_EXIT if debug_exit else [])
        args += ["-kernel", f"{build}/release/kernel.elf", "-append", cmdline,
                 "-initrd", f"{build}/initramfs.cpio",
                 "-qmp", f"unix:{self.socket},server=on,wait=off"]
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.text = ""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.watchdog = threading.Timer(SECONDS, self.process.kill)
        self.watchdog.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.watchdog.cancel()
        self.process.kill()
        self.process.wait()
        self.reader.join()
        subprocess.run(["rm", "-rf", self.work], check=True)

    def read(self):
        with open(self.log, "wb") as log:
            while data := os.read(self.process.stdout.fileno(), 4096):
                log.write(data)
                self.text += data.decode("utf-8", "replace")

    def wait(self, condition, what):
        """Polls until condition() is true; ValueError when the machine ends before."""
        while True:
            found = condition()
            if found:
                return found
            if self.process.poll() is not None:
                raise ValueError(f"the machine ended, or {SECONDS} s passed: {what}")
            time.sleep(0.05)

    def boot(self):
        self.wait(lambda: PROMPT in self.text, "no prompt")
        self.qmp = screentext.Qmp(self.socket)
        return self

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def look(self):
        return self.qmp.screen(self.picture)

    def shows(self, condition, what):
        """The first picture whose lines satisfy condition(lines)."""
        def look():
            screen = self.look()
            return screen if condition(screen.text) else None
        return self.wait(look, what)

    def command(self, text, shown):
        """Types a line; the picture when `shown` stands on the screen as a whole line."""
        self.type(text + "\n")
        return self.shows(lambda lines: shown in lines, f"{text!r} does not show {shown!r}")


def check(condition, text):
    if not condition:
        raise ValueError(text)


def test_log(build):
    """Every line of the log is on the screen as on the serial port; nothing typed by itself."""
    with Machine(build, "log") as machine:
        machine.boot()
        log = [line.rstrip() for line in machine.text.split("\r\n") if line.startswith("[")]
        screen = machine.shows(lambda lines: lines[-1] == "" and
                               any(line + " " == PROMPT for line in lines), "no prompt")
        seen = [line for line in screen.text if line.startswith("[")]
        check(len(log) >= 3, f"only {len(log)} lines of log")
        want = [line[i:i + screen.cols] for line in log
                for i in range(0, len(line), screen.cols)]
        shown = [line for line in screen.text if line in want]
        check(shown == want, f"log {want}, but the screen has {seen}")
        check(not re.search(r"\[\d+;\d+R", "\n".join(screen.text)), "an answer was echoed")


def test_size(build):
    with Machine(build, "size") as machine:
        machine.boot()
        machine.command("stty size; echo $TERM", "48 128")
        machine.shows(lambda lines: "linux" in lines, "TERM is not linux")


def test_scroll(build):
    """The end of a long text stands above the prompt, complete and in order."""
    with Machine(build, "scroll") as machine:
        machine.boot()
        machine.type("seq 1 10000\n")
        screen = machine.shows(lambda lines: lines[-1] + " " == PROMPT and
                               "10000" in lines, "seq does not end")
        check(screen.text[:-1] == [str(n) for n in range(10001 - 47, 10001)],
              f"the screen has {screen.text}")


def test_vi(build):
    with Machine(build, "vi") as machine:
        machine.boot()
        machine.command("seq 1 9 >f", PROMPT + "seq 1 9 >f")
        machine.type("vi f\n")
        screen = machine.shows(lambda lines: lines[:9] == list("123456789") and
                               set(lines[9:47]) == {"~"} and "f 1/9" in lines[47],
                               "vi does not show its file")
        machine.type("2GOnew \u00e9\u2500\033")
        screen = machine.shows(lambda lines: lines[1] == "new \u00e9\u2500" and
                               lines[2:5] == ["2", "3", "4"], "no line was inserted")
        machine.type("dd3Gdd")
        machine.shows(lambda lines: lines[:4] == ["1", "2", "4", "5"], "lines stay")
        machine.type(":q!\n")
        screen = machine.shows(lambda lines: PROMPT + "vi f" in lines, "vi leaves its screen")
        check("~" not in screen.text, "the screen before vi is not back")


def test_top(build):
    with Machine(build, "top") as machine:
        machine.boot()
        machine.type("top\n")
        screen = machine.shows(lambda lines: lines[0].startswith("Mem:") and
                               "PID" in lines[3] and any("/init" in t for t in lines[4:]),
                               "no table of top")
        check(screen.colours(0, 3)[0] != b"\0\0\0", "the head of the table is not reversed")
        machine.type("q")


def test_colours(build):
    with Machine(build, "colours") as machine:
        machine.boot()
        machine.type("clear; printf '\\033[2J\\033[5;3H\\033[31;44m\u250c\u2500\u2510"
                     "\\033[0m\\n\\033[1mX\\033[0m\\033[10B\\n'\n")
        screen = machine.shows(lambda lines: lines[4] == "  \u250c\u2500\u2510", "no frame")
        check(set(screen.colours(2, 4)) == {b"\xb0\x30\x30", b"\x28\x50\xb0"},
              f"red on blue is {screen.colours(2, 4)}")
        check(b"\xff\xff\xff" in screen.colours(0, 5), "bold is not bright")


def panics(machine):
    machine.type("echo c >/proc/sysrq-trigger\n")
    return machine.shows(lambda lines: any("procfs_store_sysrq" in t for t in lines) and
                         any("last lines" in t for t in lines), "no report of the panic")


def test_panic(build):
    """The report is on the screen and the machine stands still."""
    with Machine(build, "panic", debug_exit=False) as machine:
        lines = panics(machine.boot()).text
        check("kernel panic" in lines[0], f"no heading: {lines[0]}")
        check(lines[1] == "a crash was asked for through /proc/sysrq-trigger", lines[1])
        check(re.search(r"build [0-9a-f]{11}$", lines[3]), f"no version: {lines[3]}")
        check('"sh"' in lines[4] and "(write)" in lines[4], f"no process: {lines[4]}")
        check(lines[5] == "backtrace:" and "syscall" in "".join(lines[6:16]),
              f"no backtrace: {lines[5:16]}")
        at = next(i for i, line in enumerate(lines) if line.startswith("last lines"))
        log = [line for line in machine.text.split("\r\n") if line.startswith("[")]
        before = log[:next(i for i, t in enumerate(log) if "kernel panic:" in t)]
        before = [line[:128].rstrip() for line in before if line.rstrip()[-1:] != "]"]
        shown = [line for line in lines[at + 1:] if line]
        check(shown == before[-len(shown):] and len(shown) >= min(20, len(before)),
              f"the log is {before}, shown is {shown}")
        time.sleep(1)
        check(machine.process.poll() is None, "the machine did not stand still")


def test_panic_nmi(build):
    """An NMI while text floods the screen: the report comes through, whatever was held."""
    with Machine(build, "panic-nmi", "nmi=panic", debug_exit=False) as machine:
        machine.boot().type("seq 1 100000000\n")
        machine.wait(lambda: "\n9999\r" in machine.text, "no flood")
        machine.qmp.command("inject-nmi")
        screen = machine.shows(lambda lines: any("last lines" in t for t in lines),
                               "no report of the panic")
        check(screen.text[1] == "NMI", f"the cause is {screen.text[1]}")


def test_panic_vga_text(build):
    """On 80 x 25: cause, version, process, backtrace, registers."""
    with Machine(build, "panic-vga-text", "fb=off", debug_exit=False) as machine:
        machine.boot().type("echo c >/proc/sysrq-trigger\n")
        machine.wait(lambda: any("last lines" in t for t in vga_lines(machine)), "no report")
        lines = vga_lines(machine)
        check(lines[1] == "a crash was asked for through /proc/sysrq-trigger" and
              "build" in lines[3] and '"sh"' in lines[4] and
              "procfs_store_sysrq" in lines[6] and any(t.startswith("cr0") for t in lines),
              f"the screen has {lines}")


def test_panic_status(build):
    with Machine(build, "panic-status") as machine:
        machine.boot().type("echo c >/proc/sysrq-trigger\n")
        status = machine.process.wait(120)
        check(status == 255, f"QEMU status {status}, want 255")


def test_panic_restart(build):
    """panic=8 restarts after eight seconds, in which also a busy host takes a picture;
    -no-reboot makes that QEMU's end."""
    with Machine(build, "panic-restart", "panic=8", debug_exit=False) as machine:
        panics(machine.boot())
        status = machine.process.wait(40)
        check(status == 0, f"QEMU status {status}, want 0")


def vga_lines(machine):
    path = os.path.join(machine.work, "text")
    machine.qmp.command("pmemsave", val=0xb8000, size=4000, filename=path)
    with open(path, "rb") as f:
        text = f.read()[::2].decode("cp437")
    return [text[i:i + 80].rstrip() for i in range(0, len(text), 80)]


def test_vga_text(build):
    """fb=off on a VGA: 80 x 25 characters, box drawing by code page 437."""
    with Machine(build, "vga-text", "fb=off") as machine:
        machine.boot()
        machine.type("stty size; seq 1 30; printf '\u2554\u00e9\\n'\n")
        machine.wait(lambda: vga_lines(machine)[-2] == "\u2554\u00e9", "no box drawing")
        lines = vga_lines(machine)
        check(lines[-1] + " " == PROMPT and lines[-3] == "30" and "25 80" in machine.text,
              f"the screen has {lines}")


def test_quiet(build):
    """loglevel=0: nothing of the log on the screen, all of it in dmesg."""
    with Machine(build, "quiet", "loglevel=0") as machine:
        machine.boot()
        lines = machine.look().text
        check(not any("entered by" in line for line in lines), f"the log shows: {lines}")
        machine.type("dmesg\n")
        machine.shows(lambda t: any("entered by" in line for line in t), "no log in dmesg")


def test_serial_off(build):
    """serial=off: the port is silent once there is a screen; without one it stays."""
    with Machine(build, "serial-off", "serial=off") as machine:
        machine.qmp = machine.wait(lambda: os.path.exists(machine.socket)
                                   and screentext.Qmp(machine.socket), "no QMP")
        machine.shows(lambda t: any(line + " " == PROMPT for line in t), "no prompt")
        check("BusyBox" not in machine.text, f"the port says {machine.text!r}")
    with Machine(build, "serial-off-alone", "serial=off", ("-vga", "none")) as machine:
        machine.boot()


def test_drawer_killed(build):
    """A program that owned the screen is killed: the text comes back by itself."""
    with Machine(build, "drawer-killed") as machine:
        machine.boot()
        machine.type("(sleep 3; killall -9 mosaic) & /demo/mosaic; echo back\n")
        machine.shows(lambda t: not any(PROMPT in line for line in t), "no mosaic")
        machine.shows(lambda t: "back" in t, "the text does not come back")


TESTS = [test_log, test_size, test_scroll, test_vi, test_top, test_colours, test_panic, test_panic_nmi,
         test_panic_vga_text, test_panic_status, test_panic_restart, test_vga_text, test_quiet,
         test_serial_off, test_drawer_killed]


def verdict(test, build):
    """None, or what was wrong."""
    try:
        test(build)
    except (ValueError, OSError, subprocess.TimeoutExpired) as e:
        return str(e)
    return None
