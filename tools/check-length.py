#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Lengths: files to about 400 lines, functions to about 60. A report of what is longer; an
# error only far beyond (files 500, functions 100), where a second noun hides for sure.
import subprocess
import sys

FILE_LONG, FILE_ERROR = 400, 500
FUNCTION_LONG, FUNCTION_ERROR = 60, 100


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
            errors += len(lines) > FILE_ERROR
        if path.endswith(".c"):
            for start, name, length in functions(lines):
                if length > FUNCTION_LONG:
                    print(f"{path}:{start}: {name} has {length} lines")
                    errors += length > FUNCTION_ERROR
    print(f"check-length: {errors} beyond the limit")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
