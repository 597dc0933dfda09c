#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Packs the explorer into one file: module, names of its functions, scenarios, page.

    build.py MODULE.wasm NAMES PAGE.html     NAMES: lines "id name file line"
"""
import base64
import gzip
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
PAGE = HERE / "page"
SCRIPTS = ["tips.js", "machine.js", "trace.js", "draw.js", "goals.js", "panels.js", "ui.js", "selftest.js"]
LIMIT = 1 << 20


HEAD = re.compile(r"^# (title|chapter|task|goal|solution): (.*)\n|^# SPDX.*\n", re.M)


def scenario(path):
    """Head lines "# title: ..." and "# chapter: ..." (an exercise: task, goals, solution), then the
    script."""
    text = path.read_text()
    head = HEAD.findall(text)
    one = dict(head)
    s = {"name": path.stem, "title": one["title"], "chapter": one["chapter"], "text": HEAD.sub("", text).strip()}
    if "task" in one:
        s["task"] = one["task"]
        s["goals"] = [value for key, value in head if key == "goal"]
        s["solution"] = [value for key, value in head if key == "solution"]
        s["given"] = sum(not line.startswith("#") for line in s["text"].splitlines())
    return s


def main():
    module, names, target = map(pathlib.Path, sys.argv[1:4])
    table = {}
    for line in names.read_text().splitlines():
        number, name, file, row = line.split()
        table[number] = [name, file, int(row)]
    css = "\n".join(re.sub(r"/\*.*?\*/", "", (PAGE / f).read_text(), flags=re.S).strip()
                    for f in ("style.css", "drawing.css"))
    data = {
        "module": base64.b64encode(gzip.compress(module.read_bytes(), 9, mtime=0)).decode(),
        "names": table,
        "drawing": (PAGE / "drawing.css").read_text().split("*/", 1)[1].strip(),
        "scenarios": [scenario(p) for p in sorted((HERE / "scenarios").glob("*.txt"))],
        "exercises": [scenario(p) for p in sorted((HERE / "exercises").glob("*.txt"))],
    }
    page = (PAGE / "page.html").read_text()
    page = page.replace("@@CSS@@", css)
    page = page.replace("@@DATA@@", "const DATA = " + json.dumps(data, separators=(",", ":")).replace("</", "<\\/") + ";")
    page = page.replace("@@JS@@", "\n".join((PAGE / f).read_text() for f in SCRIPTS))
    target.write_text(page)
    size = target.stat().st_size
    if size >= LIMIT:
        sys.exit(f"{target} has {size} bytes, more than {LIMIT}")
    print(f"  PAGE {target} ({size // 1024} KiB)")


main()
