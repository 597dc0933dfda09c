#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The boot tests: boot.py BUILD_DIR [GROUP|WORD|short]... runs all groups, or those that are
# named, and of them the cases whose name holds one of the other words; `short`: the subset of
# `make test`. Two machines run at a time, or TEST_JOBS. TAP on standard output with the sum as
# last line; each case leaves the serial line's log in BUILD_DIR/logs.
#
# A group is a module with cases(build, work), which yields (name, function): the function
# gets the path for the log and returns None, or what was wrong.
import concurrent.futures
import os
import re
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True
import bochs
import cost
import direct
import displays
import fb
import hostile
import keys
import machines
import matrix
import screen
import smp
import usb_hostile
import usb_keys


def pressed(module):
    """The cases of a module about keys."""
    def cases(build, _):
        for name in module.CASES:
            yield name, lambda log, name=name: module.verdict(build, name, log)
    return cases


def varied(build, _):
    for name, *case in (*machines.machine_cases(), *machines.end_cases(),
                        *machines.cpu_cases()):
        yield name, lambda _, name=name, case=case: machines.boot(build, name, *case)


def looked_at(build, _):
    for test in screen.TESTS:
        name = test.__name__.removeprefix("test_").replace("_", " ")
        yield name, lambda _, test=test: screen.verdict(test, build)


AT_A_TIME = int(os.environ.get("TEST_JOBS", "2"))
GROUPS = {"direct": direct.cases, "cost": cost.cases, "matrix": matrix.cases,
          "bochs": bochs.cases, "displays": displays.cases, "fb": fb.cases,
          "hostile": hostile.cases,
          "machines": varied, "smp": smp.cases, "screen": looked_at, "keys": pressed(keys),
          "usb": pressed(usb_keys), "usb-hostile": pressed(usb_hostile)}
# What `make test` takes with the word `short`: each door, firmware and medium once.
SHORT = {"direct": ("16M", "256M", "qemu64,-nx"),
         "cost": ("instructions to the shell", "size of the kernel"),
         "matrix": ("PVH direct qboot microvm", "GRUB SeaBIOS CD pc",
                    "GRUB SeaBIOS stick q35", "own loader OVMF stick q35",
                    "GRUB OVMF CD q35"),
         "bochs": ("CD tigerlake",), "displays": ("24 bits a pixel",),
         "fb": ("pixels", "bochs-display", "fb=off"),
         "smp": ("2 processors", "16 processors", "100 processors", "maxcpus=1", "qboot",
                 "4 by own loader OVMF stick", "one of 4 comes late"),
         # Targets of their own in `make test`, or too long for it.
         "screen": (), "keys": (), "usb": (), "usb-hostile": ()}
SHORT_STRIDE = 4  # of the groups that SHORT does not name


def log_path(build, group, name):
    clean = re.sub(r"[^A-Za-z0-9.^-]+", "-", name).strip("-")
    return os.path.join(build, "logs", f"boot-{group}-{clean}.log")


def run(function, log):
    try:
        return function(log)
    except Exception:  # one broken case must not end the others
        return "the test itself failed: " + traceback.format_exc().replace("\n", " | ")


def choose(words, build, work):
    """(group, name, function) of all that is wanted."""
    wanted = [w for w in words if w in GROUPS] or list(GROUPS)
    short = "short" in words
    words = [w for w in words if w not in GROUPS and w != "short"]
    for group in wanted:
        for at, (name, function) in enumerate(GROUPS[group](build, work)):
            if short and (name not in SHORT[group] if group in SHORT
                          else at % SHORT_STRIDE):
                continue
            if not words or any(w in name for w in words):
                yield group, name, function


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    os.makedirs(os.path.join(build, "logs"), exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="tessera-boot-") as work, \
            concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        chosen = list(choose(sys.argv[2:], build, work))
        print(f"TAP version 13\n1..{len(chosen)}", flush=True)
        logs = [log_path(build, group, name) for group, name, _ in chosen]
        ends = [pool.submit(run, function, log) for (_, _, function), log in zip(chosen, logs)]
        for number, ((group, name, _), log, end) in enumerate(zip(chosen, logs, ends), 1):
            wrong = end.result()
            failed += wrong is not None
            print(f"not ok {number} - {group} {name} # {wrong}; log {log}" if wrong
                  else f"ok {number} - {group} {name}", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
