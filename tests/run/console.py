# SPDX-License-Identifier: MIT
#
# A person at the console, for tests: types at the interactive system and waits for what it
# shows.
import os
import select
import subprocess
import time

PROMPT = b"tessera:~# "


class Console:
    """The interactive system; `with` ends it in any case."""

    def __init__(self, run, *options):
        self.process = subprocess.Popen([run, *options], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.text = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def type(self, text):
        """Types and leaves the machine a moment to take it in."""
        self.process.stdin.write(text)
        self.process.stdin.flush()
        time.sleep(0.3)

    def expect(self, wanted, seconds=120):
        """What came up to and with `wanted`; ValueError when it does not come."""
        end = time.monotonic() + seconds
        while wanted not in self.text:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise ValueError(f"no {wanted!r} on the console, but {self.text[-200:]!r}")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise ValueError(f"the machine ended before {wanted!r}")
            self.text += data
        at = self.text.index(wanted) + len(wanted)
        seen, self.text = self.text[:at], self.text[at:]
        return seen

    def command(self, text, wanted):
        """A line at the prompt and something it must show before the next prompt."""
        self.type(text + b"\n")
        seen = self.expect(PROMPT)
        if wanted not in seen:
            raise ValueError(f"{text!r} showed {seen!r}, want {wanted!r}")

    def end(self):
        self.type(b"poweroff\n")
        return self.process.wait(120)
