#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A terminal that moves, as SVG, of a real run: `make cast`.

    make.py BUILD FILE.svg

The commands below run inside Tessera, one boot; what they print is shown line by line at a pace that can be read. Where
pictures do not move (print, a wish of the reader) the last screen stands still."""
import html
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = [
    "uname -srm",
    "/demo/ring",
    "/demo/sorted",
    "grep -E 'remap_|tlb_flush' /proc/vmstat",
    "head -3 /proc/self/arrangement /proc/meminfo",
]
COLUMNS, ROWS, LINE, LETTER = 96, 24, 18, 7.8
BEGIN, TYPED, PRINTED, THINK, END = 0.6, 0.045, 0.18, 0.9, 5.0  # seconds


def record(build):
    """[(command, [lines])]"""
    script = "".join(f"echo '@@{i}'; {c}\n" for i, c in enumerate(COMMANDS))
    out = subprocess.run([ROOT / "tools/run", "-m", "512", "-t", "300", "--initramfs", build / "initramfs.cpio", "--",
                          "/bin/busybox", "sh", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if out.returncode not in (0, 1):
        sys.exit(out.stderr or f"tools/run: status {out.returncode}")
    parts = out.stdout.split("@@")[1:]
    return [(COMMANDS[int(p.split("\n", 1)[0])], p.split("\n", 1)[1].rstrip("\n").split("\n")) for p in parts]


def screens(runs):
    """[(seconds from the start, lines)]: what the screen shows from then on."""
    shown, at, lines = [], BEGIN, []
    for command, output in runs:
        for n in range(0, len(command) + 1, 3):
            shown.append((at, lines + ["$ " + command[:n] + "_"]))
            at += 3 * TYPED
        lines = lines + ["$ " + command]
        for line in output:
            at += PRINTED
            lines = lines + [line[:COLUMNS]]
            shown.append((at, lines))
        at += THINK
    return shown + [(at, lines + ["$ _"])], at + END


def picture(shown, end):
    """Each screen is visible from its moment to that of the next; lines that stay are drawn once."""
    width, height = int(COLUMNS * LETTER + 24), ROWS * LINE + 24
    style, rows = [], []
    first, last = {}, {}
    for k, (_, lines) in enumerate(shown):
        for y, line in enumerate(lines[-ROWS:]):
            key = (y, line)
            if last.get(key) != k - 1:
                first[key] = first.get(key, []) + [[k, k]]
            first[key][-1][1] = k
            last[key] = k
    for (y, line), spans in first.items():
        for a, b in spans:
            begin, stop = shown[a][0] / end * 100, (shown[b + 1][0] / end * 100 if b + 1 < len(shown) else 100)
            name = f"k{len(style)}"
            frames = (f"0%,{max(begin - 0.001, 0):.3f}%{{opacity:0}}{begin:.3f}%,{stop - 0.001:.3f}%{{opacity:1}}"
                      + (f"{stop:.3f}%,100%{{opacity:0}}" if stop < 100 else "100%{opacity:1}"))
            style.append(f"@keyframes {name}{{{frames}}}#{name}{{animation-name:{name}}}")
            still = " still" if b + 1 == len(shown) else ""
            rows.append(f'<text id="{name}" class="l{" c" if line.startswith("$") else ""}{still}" x="12" y="{24 + y * LINE}">'
                        f"{html.escape(line)}</text>")
    css = (f".l{{font:13px ui-monospace,monospace;fill:#d8dee9;white-space:pre;animation:{end:.1f}s step-end infinite;opacity:0}}"
           ".c{fill:#a3e4a0}.still{opacity:1}@media(prefers-reduced-motion:reduce){.l{animation:none!important}}" + "".join(style))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
            f'aria-label="a terminal: programs run inside Tessera"><style>{css}</style>'
            f'<rect width="{width}" height="{height}" rx="8" fill="#1b1f27"/>{"".join(rows)}</svg>\n')


def main():
    build, target = map(pathlib.Path, sys.argv[1:3])
    runs = record(build)
    if len(runs) != len(COMMANDS):
        sys.exit(f"{len(runs)} of {len(COMMANDS)} commands have run")
    target.write_text(picture(*screens(runs)))
    print(f"  SVG  {target} ({target.stat().st_size // 1024} KiB)")


main()
