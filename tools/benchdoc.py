# SPDX-License-Identifier: MIT
#
# What tools/bench prints and writes: a line a case, the tables of docs/performance.md and README.md,
# the drawing, figures in the text of other documents.
import json
import os
import re
from math import log10
from pathlib import Path
from xml.sax.saxutils import escape

COUNTS = ["locked", "INVLPG", "flushes", "faults"]
MEMORY = ["kernel KiB", "areas"]
# Linux 3.10's figures, and what they are: docs/performance.md.
OLD = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "user/bench/linux-3.10.json")
FIGURE = re.compile(r"([\d,]+)<!-- = (.*?) -->")  # as in tools/check-docs.py
FIRST_SIGHT = ("remap one resident page (random)", "remap 256 pages in one call, per page",
               "fork, fully shuffled window", "fork, 64 MiB touched anonymous",
               "punch one page under a shuffled window", "ftruncate to half of a shuffled 256 MiB file")


class Row:
    """A case in one kernel: instructions an operation, operations, counts of all of them, and what stands
    in MEMORY after it, [] where nobody looked."""

    def __init__(self, figure, operations, counts, memory):
        self.figure, self.operations, self.counts, self.memory = figure, operations, counts, memory

    def each(self, i):
        """Count i an operation, as text; nothing for none."""
        n = self.counts[i] / self.operations
        return "" if not self.counts[i] else f"{n:,.0f}" if n >= 10 or n == int(n) else f"{n:.2g}"

    def words(self):
        return {"instructions": self.figure, "operations": self.operations,
                **dict(zip(COUNTS + MEMORY, self.counts + self.memory))}


def pair(ours, theirs):
    """Of both kernels, what there is."""
    return f"{ours} / {theirs}" if theirs != "" else ours


def beside(row, other, none):
    """The columns beside the instructions: each count an operation, and the memory; none: a count of 0."""
    columns = [pair(row.each(i) or none, (other.each(i) or none) if other else "") for i in range(len(COUNTS))]
    for i in range(len(MEMORY)):
        columns.append(pair(f"{row.memory[i]:,}", f"{other.memory[i]:,}" if other and other.memory else "")
                       if row.memory else "")
    return columns


def old_figures():
    with open(OLD, encoding="utf-8") as f:
        return json.load(f)


def times(ours, theirs):
    return f"{theirs.figure / ours.figure:.1f}" if theirs and ours.figure else ""


def grown(growth):
    """[(unit, [amounts], {what: [figure]})] of names "WHAT; AMOUNT UNIT"."""
    tables = {}
    for name, row in growth.items():
        what, _, rest = name.partition("; ")
        amount, unit = rest.split()
        amounts, lines = tables.setdefault(unit, ([], {}))
        if int(amount) not in amounts:
            amounts.append(int(amount))
        lines.setdefault(what, []).append(row.figure)
    return [(unit, amounts, lines) for unit, (amounts, lines) in tables.items()]


def show(ours, theirs, growth, linux):
    """On the terminal. Counts an operation: Tessera's / Linux's."""
    old = old_figures()
    heads = "".join(f" {c:>17}" for c in COUNTS + MEMORY)
    print(f"{'instructions per operation':<58} {'Tessera':>11} {linux[:12]:>12} {'':>7} {'3.10':>16}{heads}")
    for name, row in ours.items():
        other = theirs.get(name)
        counts = "".join(f" {c:>17}" for c in beside(row, other, "-"))
        print(f"{name:<58} {row.figure:>11} {other.figure if other else '':>12} {times(row, other):>7} "
              f"{old.get(name, ''):>16}{counts}")
    for unit, amounts, lines in grown(growth):
        print(f"\n{'instructions, by ' + unit:<40}" + "".join(f"{a:>12,}" for a in amounts))
        for what, figures in lines.items():
            print(f"{what:<40}" + "".join(f"{f:>12,}" for f in figures))


def put(document, name, lines):
    """Replaces what stands between two marks."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    with open(document, encoding="utf-8") as f:
        head, rest = f.read().split(begin)
    with open(document, "w", encoding="utf-8") as f:
        f.write(head + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1])


def short_table(ours, theirs, linux):
    lines = [f"| case | Tessera | {linux} | |", "| --- | --: | --: | --: |"]
    for name, row in ours.items():
        other = theirs.get(name)
        lines.append(f"| {name} | {row.figure:,} | {f'{other.figure:,}' if other else ''} | {times(row, other)} |")
    return lines


def whole_table(ours, theirs, linux):
    old = old_figures()
    lines = [f"| case | Tessera | {linux} | times | 3.10 | " + " | ".join(COUNTS + MEMORY) + " |",
             "| --- " + "| --: " * (4 + len(COUNTS + MEMORY)) + "|"]
    for name, row in ours.items():
        other = theirs.get(name)
        lines.append(f"| {name} | {row.figure:,} | {f'{other.figure:,}' if other else ''} | "
                     f"{times(row, other)} | {old.get(name, '')} | " + " | ".join(beside(row, other, "0")) + " |")
    return lines


def growth_tables(growth):
    lines = []
    for unit, amounts, rows in grown(growth):
        lines += ["", f"| by {unit} | " + " | ".join(f"{a:,}" for a in amounts) + " |",
                  "| --- " + "| --: " * len(amounts) + "|"]
        lines += [f"| {what} | " + " | ".join(f"{f:,}" for f in figures) + " |"
                  for what, figures in rows.items()]
    return lines[1:]


def put_in_text(ours):
    """Figures in sentences: the number before a comment that names its case."""
    for path in Path("docs").rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        fresh = FIGURE.sub(lambda m: f"{ours[m[2]].figure:,}{m[0][len(m[1]):]}" if m[2] in ours else m[0], text)
        if fresh != text:
            path.write_text(fresh, encoding="utf-8")


def write(paths, ours, theirs, growth, linux):
    readme, document, chart = paths
    put(readme, "bench", short_table({n: ours[n] for n in FIRST_SIGHT}, theirs, linux))
    put(document, "bench", whole_table(ours, theirs, linux))
    put(document, "growth", growth_tables(growth))
    put_in_text(ours)
    write_chart(chart, ours, theirs, linux)


def write_chart(path, ours, theirs, linux):
    """Bars on a logarithmic scale: how many times Tessera's instructions Linux needs."""
    rows = [(n, theirs[n].figure / r.figure) for n, r in ours.items()
            if r.figure and n in theirs and theirs[n].figure > 0]
    top, left, bar, width = 44, 330, 15, 760
    height = top + bar * len(rows) + 12
    decades = max(len(str(int(max(r for _, r in rows)))), 1)
    scale = (width - left - 60) / decades

    def x(times):
        return left + scale * max(log10(times), 0)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="10">',
           '<rect width="100%" height="100%" fill="#fff"/>',
           f'<text x="8" y="16" font-size="13">Instructions of {linux} for each of '
           "Tessera's, same program, same machine</text>"]
    for d in range(decades + 1):
        out.append(f'<line x1="{x(10 ** d):.1f}" x2="{x(10 ** d):.1f}" y1="{top - 8}" '
                   f'y2="{height - 8}" stroke="#bbb"/><text x="{x(10 ** d):.1f}" '
                   f'y="{top - 12}" text-anchor="middle">{10 ** d}</text>')
    for i, (name, times) in enumerate(rows):
        y = top + bar * i
        out.append(f'<text x="{left - 6}" y="{y + 9}" text-anchor="end">{escape(name)}</text>'
                   f'<rect x="{left}" y="{y}" width="{max(x(times) - left, 1):.1f}" '
                   f'height="{bar - 4}" fill="#2b6ca3"/>'
                   f'<text x="{max(x(times), left) + 4:.1f}" y="{y + 9}">{times:.1f}</text>')
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out + ["</svg>"]) + "\n")
