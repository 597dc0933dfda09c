#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tours that run: a text in docs/tours has a script and, for its last line, the list of functions.

    tour.py PROGRAM NAME           run it: each line, its result, and where the last one went
    tour.py PROGRAM --check        every tour: the list in the text is what happens

In the text: a block ```script, and a block ```path of "function" lines, indented by depth. The path shows
functions of mm's .c files; a function called again and again is shown once."""
import functools
import pathlib
import re
import subprocess
import sys

TOURS = pathlib.Path(__file__).parents[2] / "docs" / "tours"


def block(text, kind):
    m = re.search(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)
    return m[1].rstrip("\n").split("\n") if m else None


def run(program, lines):
    """(line, result, [(entered, address)]) for each line."""
    out = subprocess.run([program, "--path"], input="".join(line + "\n" for line in lines), check=True,
                         capture_output=True, text=True).stdout.split("\n")
    return [(line, out[2 * i], [(t[0] == "+", t[1:]) for t in out[2 * i + 1].split()]) for i, line in enumerate(lines)]


def names(program, addresses):
    """address -> (function, file)"""
    out = subprocess.run(["addr2line", "-f", "-s", "-e", program], input="\n".join(addresses), check=True,
                         capture_output=True, text=True).stdout.split("\n")
    full = subprocess.run(["addr2line", "-e", program], input="\n".join(addresses), check=True, capture_output=True,
                          text=True).stdout.split("\n")
    root = str(TOURS.parents[1]) + "/"
    return {a: (out[2 * i], full[i].removeprefix(root).split(" ")[0]) for i, a in enumerate(addresses)}


@functools.cache
def defined(function, file):
    """Whether it is one of mm's .c files, and the function stands there: not an inline one of a header."""
    return (re.match(r"mm/.*\.c$", file) is not None and function != "mm_stat_sum" and
            re.search(rf"^[a-z].*\b{function}\(", (TOURS.parents[1] / file).read_text(), re.M) is not None)


def path(program, events):
    """Lines "depth, function, place" of functions in mm's .c files; repetitions below one caller once."""
    where = names(program, sorted({a for _, a in events}))
    lines, stack, seen = [], [], [set()]
    for entered, address in events:
        function, place = where[address]
        shown = defined(function, place.split(":")[0])
        if entered:
            hidden = any(s == "again" for s in stack)
            again = shown and function in seen[-1]
            stack.append("again" if again or hidden else "shown" if shown else "other")
            if stack[-1] == "shown":
                lines.append((len(seen) - 1, function, place))
                seen[-1].add(function)
                seen.append(set())
        elif stack.pop() == "shown":
            seen.pop()
    return lines


def main():
    program, name = sys.argv[1:3]
    if name != "--check":
        text = (TOURS / (name + ".md")).read_text()
        steps = run(program, block(text, "script"))
        for line, result, _ in steps:
            print(f"{line:30} {result}")
        print()
        for depth, function, place in path(program, steps[-1][2]):
            print(f"{'  ' * depth + function:40} {place}")
        return
    faults = tours = 0
    for file in sorted(TOURS.glob("*.md")):
        text = file.read_text()
        script, expected = block(text, "script"), block(text, "path")
        if not script:
            continue
        tours += 1
        found = ["  " * depth + function for depth, function, _ in path(program, run(program, script)[-1][2])]
        faults += found != expected
        print(f"{'ok' if found == expected else 'not ok'} {tours} - {file.stem}: the functions of the list, in its order")
        if found != expected:
            print("the path is now\n" + "\n".join(found))
    print(f"{tours - faults} passed, {faults} failed")
    sys.exit(faults != 0)


main()
