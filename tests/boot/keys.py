# SPDX-License-Identifier: MIT
#
# A person at the keyboard: boots the shell, presses the keys of QEMU's emulated keyboard
# through its QMP socket and looks at what the shell shows on the serial port. Machine(...)
# serves the cases of USB too: its `keyboard` arguments choose the hardware.
#
# A key is named as in QMP's QKeyCode; a word like "shift-a" holds the keys before the last.
import json
import os
import select
import socket
import subprocess
import tempfile
import time

PROMPT = b"tessera:~# "
NAMES = {" ": "spc", "\n": "ret", "-": "minus", "=": "equal", "/": "slash", ".": "dot",
         ",": "comma", ";": "semicolon", "'": "apostrophe", "\\": "backslash",
         "[": "bracket_left", "]": "bracket_right", "`": "grave_accent"}
SHIFTED = dict(zip('!@#$%^&*()_+{}:"|<>?~', "1234567890-=[];'\\,./`"))


def key_of(character):
    """The keys of a US keyboard that type the character."""
    if character in SHIFTED:
        return "shift-" + key_of(SHIFTED[character])
    if character.isupper():
        return "shift-" + character.lower()
    return NAMES.get(character, character)


def shown(byte):
    """How the terminal echoes it."""
    if byte == 0x0d:
        return b"\r\n"
    return b"^" + bytes([byte ^ 0x40]) if byte < 0x20 and byte != 9 or byte == 0x7f \
        else bytes([byte])


class Machine:
    """A booted machine; `with` ends it in any case. `keyboard`: QEMU's arguments for more
    keyboards than the PS/2 one, the last of which gets the keys."""

    def __init__(self, build, log, machine="q35", keyboard=(), cmdline="", more=()):
        self.work = tempfile.TemporaryDirectory(prefix="tessera-keys-")
        path = os.path.join(self.work.name, "qmp")
        command = ["qemu-system-x86_64", "-machine", machine, "-accel", "tcg", "-m", "256",
                   "-cpu", "max", "-display", "none", "-vga", "none", "-nic", "none",
                   "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                   "-serial", "stdio", "-qmp", f"unix:{path},server=on,wait=off",
                   "-kernel", f"{build}/release/kernel.elf",
                   "-initrd", f"{build}/iso.cpio", "-append", f"loglevel=7 {cmdline}", *keyboard, *more]
        self.log = open(log, "wb")
        self.text = b""  # not yet looked at
        self.seen = b""  # all of it
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.qmp = self.answers = None
        self.path = path

    def __enter__(self):
        try:
            self.expect(PROMPT, 180)  # by then the socket is there
            self.qmp = socket.socket(socket.AF_UNIX)
            self.qmp.settimeout(120)
            self.qmp.connect(self.path)
            self.answers = self.qmp.makefile("r")
            self.answers.readline()
            self.ask("qmp_capabilities")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        if self.answers:
            self.answers.close()
        if self.qmp:
            self.qmp.close()
        self.log.close()
        self.work.cleanup()

    def ask(self, command, **arguments):
        """What QEMU returns."""
        self.qmp.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self.answers.readline() or '{"error": "QEMU is gone"}')
            if "error" in answer:
                raise ValueError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def keys(self, *changes):
        """Key events at one moment: ("a", True) presses it, ("a", False) lets it go."""
        self.ask("input-send-event", events=[
            {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}
            for name, down in changes])

    def tap(self, word):
        """Presses and lets go, at one moment: "a", "shift-a", "ctrl-alt-delete"."""
        names = word.split("-")
        self.keys(*[(name, True) for name in names],
                  *[(name, False) for name in reversed(names)])

    def type(self, text):
        """Types on a US keyboard, each character after the one before was shown."""
        for character in text:
            self.tap(key_of(character))
            self.expect(b"\r\n" if character == "\n" else character.encode())

    def serial(self, text):
        """Types on the serial port, which no layout changes."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def read(self, seconds):
        """False when nothing came within the time."""
        if not select.select([self.process.stdout], [], [], max(seconds, 0))[0]:
            return False
        data = os.read(self.process.stdout.fileno(), 65536)
        if not data:
            raise ValueError(f"the machine ended after {self.text[-200:]!r}")
        self.log.write(data)
        self.log.flush()
        self.text += data
        self.seen += data
        return True

    def expect(self, wanted, seconds=120):
        """What came up to and with `wanted`; ValueError when it does not come."""
        end = time.monotonic() + seconds
        while wanted not in self.text:
            if not self.read(end - time.monotonic()):
                raise ValueError(f"no {wanted!r} on the console, but {self.text[-200:]!r}")
        at = self.text.index(wanted) + len(wanted)
        seen, self.text = self.text[:at], self.text[at:]
        return seen

    def command(self, text, wanted):
        """A line at the prompt, and what it must show before the next prompt."""
        self.type(text + "\n")
        seen = self.expect(PROMPT)
        if wanted.encode() not in seen:
            raise ValueError(f"{text!r} showed {seen!r}, want {wanted!r}")

    def sends(self, pairs):
        """Each word must send its bytes: the terminal, without editing and signals, shows
        control characters as ^X."""
        total = len(b"".join(sent for _, sent in pairs))
        self.serial("stty -icanon -isig -ixon -iexten; echo ready; "
                    f"head -c{total} >/dev/null; stty sane\n")
        self.expect(b"\nready\r\n")
        for word, sent in pairs:
            self.tap(word)
            want = b"".join(shown(byte) for byte in sent)
            seen = self.expect(want[-1:])
            while len(seen) < len(want):
                seen += self.expect(want[-1:])
            if seen != want:
                raise ValueError(f"{word} sent {seen!r}, want {want!r}")
        self.expect(PROMPT)

    def status(self, seconds=120):
        """QEMU's status at its end."""
        try:
            while self.read(seconds):
                pass
        except ValueError:
            pass
        return self.process.wait(seconds)


# ---- cases: each gets a machine at its prompt; its documentation is its name ----

def letters(m):
    """letters, digits, signs with Shift"""
    m.command("echo 'The quick-brown FOX_jumps' = 0123456789 \"~!@#%^&*(){}[]<>?\"",
              "The quick-brown FOX_jumps = 0123456789 ~!@#%^&*(){}[]<>?\r\n")


def locks(m):
    """Caps Lock turns letters over, not digits; Num Lock makes the keypad type digits"""
    m.tap("caps_lock")
    for word, sent in (("a", b"A"), ("shift-b", b"b"), ("1", b"1")):
        m.tap(word)
        m.expect(sent)
    m.tap("caps_lock")
    m.tap("a")
    m.expect(b"a")
    m.tap("num_lock")
    for word, sent in (("kp_7", b"7"), ("kp_5", b"5"), ("kp_add", b"+")):
        m.tap(word)
        m.expect(sent)
    m.tap("num_lock")
    m.tap("ctrl-c")
    m.expect(PROMPT)


def named(m):
    """what arrows, function keys, editing keys, Ctrl, Alt and the keypad send"""
    m.sends([("up", b"\033[A"), ("home", b"\033[1~"), ("insert", b"\033[2~"),
             ("delete", b"\033[3~"), ("end", b"\033[4~"), ("pgup", b"\033[5~"),
             ("pgdn", b"\033[6~"), ("f1", b"\033[[A"), ("f5", b"\033[[E"),
             ("f6", b"\033[17~"), ("f12", b"\033[24~"), ("esc", b"\033"), ("tab", b"\t"),
             ("shift-tab", b"\033[Z"), ("backspace", b"\x7f"), ("ret", b"\r"),
             ("ctrl-a", b"\x01"), ("ctrl-spc", b"\0"), ("ctrl-bracket_left", b"\x1b"),
             ("ctrl-backslash", b"\x1c"), ("ctrl-shift-6", b"\x1e"),
             ("ctrl-shift-minus", b"\x1f"), ("alt-x", b"\033x"), ("ctrl-alt-x", b"\033\x18"),
             ("kp_8", b"\033[A"), ("kp_enter", b"\r"), ("kp_divide", b"/"),
             ("ctrl-pause", b"\x03"), ("pause", b""), ("print", b""), ("z", b"z")])


def interrupt(m):
    """Ctrl-C ends a command that sleeps"""
    m.type("sh -c 'echo start; sleep 1000'\n")  # by then the group has the terminal
    m.expect(b"start\r\n")
    m.tap("ctrl-c")
    m.expect(PROMPT)
    m.command("echo status $?", "status 130\r\n")


def history(m):
    """up recalls the last line, left and delete change it"""
    m.command("echo first 123", "first 123\r\n")
    m.tap("up")
    m.expect(b"echo first 123")
    for _ in range(3):
        m.tap("left")
        m.expect(b"\b")
    m.tap("delete")
    m.expect(b"23")
    m.tap("ret")
    m.expect(b"\nfirst 23\r\n")
    m.expect(PROMPT)


def repeat(m):
    """a held key repeats, a tapped one does not, a released one stops"""
    m.tap("x")
    m.expect(b"x")
    m.keys(("y", True))
    seen = m.expect(b"y" * 10)
    if seen != b"y" * 10:
        raise ValueError(f"{seen!r} with a key held")
    m.keys(("y", False))
    m.tap("z")  # behind it come no more of the held key
    m.expect(b"z")
    m.tap("w")
    m.expect(b"w")
    if m.text:
        raise ValueError(f"{m.text!r} after the key was released")
    m.tap("ctrl-c")
    m.expect(PROMPT)


def german(m):
    """keymap=de: moved letters, umlauts in UTF-8, AltGr"""
    m.sends([("y", b"z"), ("shift-semicolon", "\u00d6".encode()), ("shift-minus", b"?"),
             ("minus", "\u00df".encode()), ("alt_r-q", b"@"), ("shift-7", b"/"),
             ("alt_r-e", "\u20ac".encode()), ("alt_r-less", b"|"), ("alt-q", b"\033q"),
             ("ctrl-z", b"\x19"), ("ctrl-alt_r-minus", b"\x1c")])


def restart(m):
    """Ctrl-Alt-Del restarts the machine through init"""
    m.tap("ctrl-alt-delete")
    m.expect(b"restarting")
    if m.status() != 0:
        raise ValueError("QEMU did not end by a reset")


def absent(m):
    """boots, and says nothing of a controller"""
    if b"ps2:" in m.seen:
        raise ValueError("a keyboard controller was found")


def present(m):
    """the keys of another machine reach its shell"""
    if b"ps2: keyboard controller found\r\n" not in m.seen:
        raise ValueError("no keyboard controller was found")
    m.command("echo Other", "Other\r\n")


CASES = {
    "letters": (letters, {}),
    "locks": (locks, {}),
    "named keys": (named, {}),
    "interrupt": (interrupt, {}),
    "history": (history, {}),
    "repeat": (repeat, {}),
    "german": (german, {"cmdline": "keymap=de"}),
    "restart": (restart, {}),
    "pc": (present, {"machine": "pc"}),
    "without interrupt": (present, {"machine": "q35,pic=off"}),
    "without 8042": (absent, {"machine": "q35,i8042=off"}),
    "nops2": (absent, {"cmdline": "nops2"}),
}


def judge(case, how, build, log):
    """None, or what was wrong with a machine made by `how`."""
    try:
        with Machine(build, log, **how) as m:
            case(m)
    except (ValueError, OSError, subprocess.SubprocessError) as e:
        return str(e).replace("\n", " ")
    return None


def verdict(build, name, log):
    return judge(*CASES[name], build, log)
