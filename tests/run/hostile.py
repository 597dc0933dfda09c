# SPDX-License-Identifier: MIT
#
# Hostile users on a machine of 128 MiB: the attacks of tests/user/hostile_attacks.c,
# hostile_more.c, hostile_calls.c, hostile_later.c and hostile_races.c (those on four CPUs), each in turn,
# while others must go on; see tests/user/hostile.c. One case for a few attacks, so that each boot is short.
import os
import re
import sys

from harness import TOP, Failure, add, run

BUILD = os.path.join(TOP, sys.argv[1] if len(sys.argv) > 1 else "build")
PROGRAM = os.path.join(BUILD, "tests/user/hostile")
GROUPS = {"memory": ("heap", "heaps", "shared", "tables", "memfd", "mlock"),
          "records": ("areas", "arranged", "locks", "signals"),
          "descriptors": ("pipes", "fds", "texts", "polls"),
          "files": ("data", "sparse", "files", "symlinks", "links", "fifos", "lookups"),
          "deep": ("dirs", "segments"),
          "processes": ("forks", "threads", "args"),
          "objects": ("sparse-memfds", "aliases", "arranged-children", "maps", "attaches"),
          "open": ("spliced", "nameless", "dead-dirs", "proc"),
          "more_files": ("locks-in-many", "ofd-locks", "renames"),
          "events": ("event-fds", "epolls", "epoll-rings"),
          "sockets": ("flying", "socket-rings", "sockets", "backlogs"),
          "cores": ("cores",),
          "later": ("attributes", "questions", "mapped-files", "watchers"),
          "monitors": ("monitors",),
          "calls": ("terminals", "timer-bombs", "trace-all"),
          "sysv": ("semaphores", "semaphore-waiters", "messages"),
          "races": ("terminal-races", "splice-races", "lock-races", "look-races"),
          "more_races": ("huge-races", "ipc-races", "event-races"),
          "storms": ("vforks", "zombies", "clones", "signals-to-others", "timers")}


def attack(names):
    def fn(_work):
        options = ["-m", "128", "-t", "140"]
        if names[0].endswith("races"):
            options += ["-s", "4", "--cmdline", "hugepages=6"]
        out, _ = run(PROGRAM, *names, options=options, status=0)
        text = out.decode(errors="replace")
        good = re.findall(r"^ok \d+ - hostile: ([\w-]+):", text, re.MULTILINE)
        if sorted(good) != sorted(names):
            raise Failure(f"survived {good} of {names}")
    return fn


for group, attacks in GROUPS.items():
    add(attack(attacks), f"hostile_{group}", f"a hostile user's {', '.join(attacks)}")
