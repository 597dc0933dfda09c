#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Lengths: files to about 400 lines, functions to about 60. A report of what is longer; an error
# beyond (files 420, functions 70), where a second noun hides. LONGER names the files that may,
# each with its length: it only shrinks.
import subprocess
import sys

FILE_LONG, FILE_ERROR = 400, 420
FUNCTION_LONG, FUNCTION_ERROR = 60, 70
LONGER = {
}


def functions(lines):
    """(first line number, name, length): a body opens with '{' in the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            head = next((lines[i - 1] for i in range(start - 1, 0, -1)
                         if lines[i - 1][:1].isalpha()), "?")
            yield start, head.split("(")[0].split()[-1].lstrip("*"), number - start + 1
            start = None


def main():
    files = subprocess.run(
        ["git", "ls-files", "lib", "mm", "fs", "kernel", "arch", "user", "tools"],
        check=True, capture_output=True, text=True).stdout.split()
    errors = 0
    for path in files:
        if not path.endswith((".c", ".h", ".asm", ".py")):
            continue
        try:
            with open(path, encoding="utf-8") as f:
                lines = f.read().splitlines()
        except FileNotFoundError:
            continue
        if len(lines) > FILE_LONG:
            print(f"{path}: {len(lines)} lines")
            errors += len(lines) > LONGER.get(path, FILE_ERROR)
        elif path in LONGER:
            print(f"{path}: {len(lines)} lines: it needs no place in LONGER any more")
            errors += 1
        if path.endswith(".c"):
            for start, name, length in functions(lines):
                if length > FUNCTION_LONG:
                    print(f"{path}:{start}: {name} has {length} lines")
                    errors += length > FUNCTION_ERROR
    print(f"check-length: {errors} beyond the limit")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
