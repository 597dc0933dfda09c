# SPDX-License-Identifier: MIT
"""Chromium without a window, spoken to over a pipe (its DevTools protocol): pages of the file
system are opened, expressions evaluated, pictures taken. No network."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


STARTS, START = 3, 90  # it sometimes says nothing for ever: so many are tried, seconds each


class Browser:
    def __init__(self, width=1400, height=1000):
        for left in range(STARTS - 1, -1, -1):
            self.start(width, height)
            try:
                self.attach(time.monotonic() + START)
                return
            except (TimeoutError, EOFError) as why:
                self.close()
                if not left:
                    raise
                print(f"{why}; it is started again")

    def start(self, width, height):
        self.profile = tempfile.mkdtemp(prefix="tessera-chromium-")
        self.messages, self.number, self.buffer, self.session = [], 0, b"", None
        to_child, self.out = os.pipe()
        self.into, from_child = os.pipe()

        def place():  # the pipe is at 3 and 4
            a, b = os.dup2(to_child, 20), os.dup2(from_child, 21)
            os.dup2(a, 3)
            os.dup2(b, 4)

        command = ["chromium", "--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage",
                   "--no-first-run", "--disable-background-networking", "--disable-component-update",
                   "--host-resolver-rules=MAP * ~NOTFOUND", "--hide-scrollbars", f"--window-size={width},{height}",
                   f"--user-data-dir={self.profile}", "about:blank"]
        if os.geteuid() == 0:  # its own sandbox refuses to run as root
            command.insert(1, "--no-sandbox")
        self.child = subprocess.Popen(command, preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)

    def attach(self, end):
        """To its page, which is there a moment after it has started."""
        pages = []
        while not pages:
            found = self.call("Target.getTargets", end - time.monotonic())["targetInfos"]
            pages = [t for t in found if t["type"] == "page"]
            time.sleep(0 if pages else 0.1)
        self.session = self.call("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        self.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0,
                  uploadThroughput=0)

    def read(self, timeout):
        end = time.monotonic() + timeout
        while b"\0" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.into], [], [], left)[0]:
                raise TimeoutError("chromium says nothing")
            part = os.read(self.into, 1 << 20)
            if not part:
                raise EOFError("chromium has ended")
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, timeout=300, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        while True:
            answer = self.read(timeout)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.messages.append(answer)

    def evaluate(self, expression, timeout=300):
        r = self.call("Runtime.evaluate", timeout, expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in r:
            raise RuntimeError(r["exceptionDetails"].get("exception", {}).get("description") or str(r))
        return r["result"].get("value")

    def open(self, path, fragment="", ready="document.readyState === 'complete'", timeout=300):
        """Goes there, and waits until `ready` holds."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=f"file://{os.path.abspath(path)}{fragment}")
        end = time.monotonic() + timeout
        while not self.evaluate(ready):
            if time.monotonic() > end:
                raise TimeoutError(f"{path}{fragment} does not become ready")
            time.sleep(0.1)

    def screenshot(self, path):
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        with open(path, "wb") as f:
            f.write(data)
        return data

    def complaints(self):
        """Errors and warnings of the pages since the beginning."""
        found = []
        for m in self.messages:
            p = m.get("params", {})
            if m["method"] == "Runtime.exceptionThrown":
                found.append(p["exceptionDetails"].get("text", "") + " " +
                             p["exceptionDetails"].get("exception", {}).get("description", ""))
            elif m["method"] == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
                found.append(f"console.{p['type']}: " + " ".join(str(a.get("value")) for a in p["args"]))
            elif m["method"] == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
                found.append(p["entry"]["text"])
        return found

    def close(self):
        try:
            self.session = None
            self.call("Browser.close", 10)
            self.child.wait(10)
        except (OSError, EOFError, RuntimeError, TimeoutError, subprocess.TimeoutExpired):
            self.child.kill()
            self.child.wait()
        os.close(self.into)
        os.close(self.out)
        shutil.rmtree(self.profile, ignore_errors=True)
