#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The explorer in a real browser: every scenario to its end, back and forth, looks into the middle of
calls, 1,000 random steps; each step's result and picture must be those of the same sources
compiled for this machine. No network, no complaint of the browser.

    test.py BUILD [SEED]"""
import collections
import pathlib
import random
import struct
import subprocess
import sys
import zlib

sys.dont_write_bytecode = True
from browser import Browser  # noqa: E402


def host_answers(program, lines):
    """Result and sum of the picture after each line, from the program of this machine."""
    out = subprocess.run([program], input="".join(line + "\n" for line in lines), capture_output=True, text=True)
    if out.returncode:
        raise SystemExit(f"{program}: {out.stderr}")
    answers = out.stdout.split("\n")[1:]
    return [(answers[2 * i], f"{zlib.crc32(answers[2 * i + 1].encode()):08x}") for i in range(len(lines))]


def compare(report, program):
    """Steps of the page's report against the program; how many."""
    groups, wrong, steps = [], 0, 0
    for line in report:
        if line.startswith("scenario "):
            groups.append((line, []))
        elif line.startswith("step "):
            groups[-1][1].append(line[5:].split(" | "))
    for name, group in groups:
        for (line, result, found), (expected, figure) in zip(group, host_answers(program, [g[0] for g in group])):
            steps += 1
            if (result, found) != (expected, figure):
                print(f"{name}: {line}: the page has {result!r} {found}, this machine {expected!r} {figure}")
                wrong += 1
                break
    return steps, wrong


def colours(png):
    """How many different colours an 8-bit PNG has, and the share of the most frequent one."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, width = 8, b"", 0
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8 and colour in (2, 6)
        elif kind == b"IDAT":
            data += body
        at += 12 + size
    n = 3 if colour == 2 else 4
    raw, row = zlib.decompress(data), width * n
    before, count = bytearray(row), collections.Counter()
    for y in range(height):
        kind, line = raw[y * (row + 1)], bytearray(raw[y * (row + 1) + 1:(y + 1) * (row + 1)])
        for i in range(row):
            a = line[i - n] if i >= n else 0
            b, c = before[i], before[i - n] if i >= n else 0
            if kind == 1:
                line[i] = (line[i] + a) & 255
            elif kind == 2:
                line[i] = (line[i] + b) & 255
            elif kind == 3:
                line[i] = (line[i] + (a + b) // 2) & 255
            elif kind == 4:
                p = a + b - c
                best = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))
                line[i] = (line[i] + best[2]) & 255
        count.update(bytes(line[i:i + 3]) for i in range(0, row, n))
        before = line
    return len(count), max(count.values()) / (width * height)


def test_book(browser, book):
    """Pages on a phone are not wider than it, search finds, its first hit can be opened."""
    faults, pages = [], sorted(book.glob("*.html"))
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    for page in pages:
        browser.open(page)
        width = browser.evaluate("document.documentElement.scrollWidth")
        if width > 390:
            faults.append(f"book: {page.name} is {width} wide on a phone of 390")
    browser.open(book / "README.html")
    hit = browser.evaluate("""(() => { const i = document.getElementById("search"); i.value = "backlink live";
        i.dispatchEvent(new Event("input")); const a = document.querySelector("#found a");
        return a ? a.href : ""; })()""")
    if not hit or not pathlib.Path(hit.removeprefix("file://")).exists():
        faults.append(f"book: the search finds {hit!r}")
    return faults, len(pages)


def main():
    build = pathlib.Path(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1, 1 << 31)
    page, failures = build / "explorer.html", 0
    print(f"explorer: seed {seed}")
    browser = Browser()
    try:
        browser.open(page, f"#test={seed}", "document.title === 'tested'", 900)
        report = browser.evaluate("document.getElementById('report').textContent").split("\n")
        drawn, most = colours(browser.screenshot(build / "explorer" / "explorer.png"))
        faults, pages = test_book(browser, build / "book")
        complaints = browser.complaints() + faults
    finally:
        browser.close()
    at = next(i for i, line in enumerate(report) if line.startswith("complaints "))
    complaints += report[at + 1:-2]
    for c in complaints:
        print("explorer: " + c)
    steps, wrong = compare(report[:at], build / "explorer" / "host" / "explorer")
    if drawn < 20 or most > 0.97:
        print(f"explorer: the screenshot has {drawn} colours, one of them in {most:.0%}: nothing is drawn")
        failures += 1
    failures += len(complaints) + wrong
    scenarios = sum(line.startswith("scenario ") and "random" not in line for line in report)
    print(f"explorer: {scenarios} scenarios, {steps} steps equal those of this machine, {page.stat().st_size // 1024} KiB; "
          f"{pages} pages of the book"
          if not failures else f"explorer: {failures} failures")
    sys.exit(failures != 0)


main()
