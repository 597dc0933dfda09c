#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The figures of the documents that the explorer draws: `make figures`.

    figures.py PAGE FOLDER"""
import pathlib
import sys

sys.dont_write_bytecode = True
from browser import Browser  # noqa: E402

FIGURES = [  # file, scenario, steps, and where inside the call of the last one
    ("faults.svg", "06-faults", 7, ""),
    ("lent-table.svg", "08-copy-on-write", 4, ""),
    ("log.svg", "09-reverse-mapping", 7, ""),
    ("runs.svg", "09-runs", 5, ""),
    ("away.svg", "10-home-and-away", 8, ""),
    ("fork-arrays.svg", "10-fork-arrays", 5, ""),
    ("truncate.svg", "11-truncate", 7, ""),
    ("leaving.svg", "12-locking", 8, "rmap_unmap_homes"),
]


def main():
    page, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    browser = Browser()
    try:
        for file, scenario, steps, inside in FIGURES:
            browser.open(page, f"#s={scenario}", "typeof view !== 'undefined' && view.ready === true")
            browser.evaluate("document.documentElement.classList.remove('dark')")
            browser.evaluate(f"(() => {{ for (let i = 0; i < {steps}; i++) stepForth(); }})()")
            if inside:
                browser.evaluate("(() => { [...document.querySelectorAll('#path [data-at]')].find("
                                 f"(line) => line.textContent.trim().startsWith('{inside} ')).click(); }})()")
            svg = browser.evaluate("svgText()")
            (folder / file).write_text(svg + "\n")
            print(f"  SVG  {folder / file}")
        if browser.complaints():
            sys.exit("\n".join(browser.complaints()))
    finally:
        browser.close()


main()
