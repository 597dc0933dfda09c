# SPDX-License-Identifier: MIT
#
# The commands of tools/gdb on a machine that runs arranged.c, on a dump, and tools/run --gdb.
import os
import re
import subprocess
import sys

from harness import BUSYBOX, RUN, TOP, Failure, build, case, run

BUILD = os.path.join(TOP, sys.argv[1] if len(sys.argv) > 1 else "build")
COMMANDS = os.path.join(TOP, "tools/gdb/tessera.py")
KERNEL = os.path.join(BUILD, "debug/kernel.elf")
GDB_SECONDS = 240
SEEN = {}  # the session's outputs by name, and what the program said


def gdb(kernel, *commands, target=None):
    """Outputs of GDB's commands, in order."""
    words = ["gdb", "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", kernel]
    words += [target] if target else []
    words += ["-ex", "set confirm off", "-x", COMMANDS]
    for c in commands:
        words += ["-ex", "echo \\n@@@\\n", "-ex", c]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, timeout=GDB_SECONDS)
    parts = done.stdout.split("\n@@@\n")[1:]
    if len(parts) != len(commands):
        raise Failure(f"GDB ended early: {done.stdout[-300:]}")
    return parts


def questions(pid, child, window, heap):
    at = f"0x{window:x}"
    return {
        # The child comes by with its table and the leaf of the index locked: a known moment.
        "at": "hbreak backrun_add", "go": "continue",
        "ps": "tessera ps", "cpus": "tessera cpus", "spaces": "tessera spaces",
        "areas": f"tessera areas {pid}", "walk": f"tessera walk {pid} {at}",
        "walk home": f"tessera walk {pid} {at}+4096", "walk heap": f"tessera walk {pid} 0x{heap:x}",
        "arrangement": f"tessera arrangement {pid} {at}", "backlink": f"tessera page {pid} {at}",
        "stale": f"tessera page {pid} {at}+9*4096", "run": f"tessera page {pid} {at}+18*4096",
        "log of links": f"tessera page {pid} {at}+33*4096",
        "objects": "tessera objects", "free": "tessera free", "slabs": "tessera slabs",
        "frame": "tessera frame 0x100", "log": "tessera log 5", "sleeper": f"tessera bt {pid}",
        "list": "tessera", "no process": "tessera areas 4711", "no argument": "tessera areas",
        "field": "python import kernel; kernel.container(0, 'struct page', 'gone')",
        "worker": f"tessera bt {child}", "bt": "tessera bt",
        "locks": "tessera locks", "off": "delete",
        # Somebody else has a lock that the next system call of a kind wants.
        "take": "set var proc_lock.held = 5", "waits at": "hbreak *spin_wait if $rdi == (unsigned long)&proc_lock", "wait": "continue",
        "waiting": "tessera locks", "end": "kill",
    }


def session(work):
    """Runs it once for all cases."""
    if "why not" in SEEN:
        raise Failure(SEEN["why not"])
    if SEEN:
        return SEEN
    SEEN["why not"] = "the machine of the first case of this session failed"
    socket = os.path.join(work, "gdb")
    program = build(work, "musl-gcc", "arranged.c")
    machine = subprocess.Popen(
        [RUN, "-s", "2", "-t", "400", "--kernel", KERNEL, "--qemu=-chardev",
         f"--qemu=socket,id=gdb,path={socket},server=on,wait=off", "--qemu=-gdb", "--qemu=chardev:gdb", "--", program],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        words = machine.stdout.readline().split()
        if words[:1] != ["ready"]:
            raise Failure(f"the program says {words}")
        pid, child, window, heap = int(words[1]), int(words[2]), int(words[3], 16), int(words[4], 16)
        asked = questions(pid, child, window, heap)
        answers = gdb(KERNEL, f"target remote {socket}", *asked.values())
        del SEEN["why not"]
        SEEN.update(zip(asked, answers[1:]), pid=pid, child=child, window=window, heap=heap)
    finally:
        machine.kill()
        machine.wait()
    return SEEN


def says(answer, *patterns):
    for p in patterns:
        if not re.search(p, answer, re.M):
            raise Failure(f"no {p!r} in {answer[:500]!r}")


@case
def gdb_tasks(work):
    """gdb: processes, CPUs, address spaces, areas"""
    s = session(work)
    says(s["ps"], rf"^ +{s['pid']} +{s['pid']} +\d+ sleeps +\d+ arranged$",
         rf"^ +{s['child']} +{s['child']} +{s['pid']} \S+( \d)? +\d+ arranged$")
    says(s["cpus"], r"^cpu 0: ", r"^cpu 1: ")
    says(s["spaces"], rf": process {s['pid']}, \d+ areas, .*[1-9]\d* with away numbers",
         rf": process {s['child']}, ")
    w = s["window"]
    says(s["areas"], rf"^{w:012x}-{w + 64 * 4096:012x} rw-s from file page 0 of object 0x\w+ .*arranged")
    says(s["list"], r"tessera walk PID ADDRESS", r"tessera locks")


@case
def gdb_backtraces(work):
    """gdb: kernel stacks of a thread that sleeps and of one that runs"""
    s = session(work)
    says(s["sleeper"], rf"^thread {s['pid']} \"arranged\", sleeps:", r"^  switch_to\+", r"^  sys_pause\+")
    says(s["worker"], rf"^thread {s['child']} \"arranged\", cpu \d:\n  backrun_add", r"remap_file_pages\+")
    says(s["bt"], r"backrun_add")


@case
def gdb_walk(work):
    """gdb: the walk of an address with table, slot, away number and page; the arrangement"""
    s = session(work)
    slot = s["window"] >> 12 & 511
    says(s["walk"], rf"^  level 0: table 0x\w+ slot {slot}: frame 0x\w+ wu.d",
         r"^  table 0x\w+: \d+ present, 15 away, numbers at 0xffff8",
         r"^  away number 4: file page 3, away \(home: 0\)", r"^  page 0x\w+: PAGE_OBJECT, file page 3 of object")
    says(s["walk home"], r"^  away number 0: file page 1, at home", r"PAGE_OBJECT, file page 1 of")
    says(s["walk heap"], r"^  page 0x\w+: PAGE_ANON, 1 references", rf"slot {s['heap'] >> 12 & 511}: frame 0x\w+ wu.d key 1$")
    says(s["arrangement"], rf"^  {s['window']:012x} +1 pages: file pages 3 to 3, away",
         rf"^  {s['window'] + 4096:012x} +15 pages: file pages 1 to 15, at home",
         rf"^  {s['window'] + 16 * 4096:012x} +8 pages: file pages 40 to 47, away",
         rf"^  {s['window'] + 33 * 4096:012x} +1 pages: file pages 50 to 50, away")


@case
def gdb_page(work):
    """gdb: who shows a page: home, backlink, run, log; live and stale; objects"""
    s = session(work)
    pid, w = s["pid"], s["window"]
    child = rf"^  home {w + 3 * 4096:#x} of process {s['child']}: not shown"
    says(s["backlink"], rf"^  home {w + 3 * 4096:#x} of process {pid}: live", child,
         rf"^  backlink to {w:#x} of process {pid}, table 0x\w+ slot \d+: live")
    says(s["stale"], rf"^  home {w + 9 * 4096:#x} of process {pid}: live",
         rf"^  backlink to {w + 5 * 4096:#x} of process {pid}, .*: stale, frame 0x\w+ \S+ is there")
    says(s["run"], rf"^  home {w + 42 * 4096:#x} of process {pid}: live",
         rf"^  run of 8 to {w + 18 * 4096:#x} of process {pid}, table 0x\w+ slot \d+: live")
    says(s["log of links"], *(rf"^  log to {w + (32 + i) * 4096:#x} of process {pid}, .*: live" for i in range(6)))
    says(s["objects"], r"^0x\w+ +262144 +64 +2 +\d+ +1 .*arranged", r"^0x\w+ +32768 +8 +1 +\d+ +1 .*turned")


@case
def gdb_allocators(work):
    """gdb: free lists, slabs, frames, the log"""
    s = session(work)
    says(s["free"], r"^order +\d+: +\d+ blocks, the first at frame 0x", r"^cpu 1 keeps \d+ pages", r"^\d\d+ pages free")
    if "BUT" in s["free"]:
        raise Failure(f"lists and counts differ: {s['free']}")
    says(s["slabs"], r"^vma +\d+ +[1-9]", r"^kmalloc-64 +64 ")
    says(s["log"], r"^\[ +\d+\.\d+\] ")


@case
def gdb_locks(work):
    """gdb: locks held and waited for by CPUs and threads"""
    s = session(work)
    says(s["locks"], r"^cpu \d: 2 spinlocks counted",
         rf"^thread {s['child']} \"arranged\" has memory of process {s['child']}, ")
    says(s["waiting"], r"^cpu \d: \d+ spinlocks counted, waits for proc_lock", r"^spinlock proc_lock: held by cpu 4")


@case
def gdb_errors(work):
    """gdb: a wrong process, a missing word and a field that is gone are told"""
    s = session(work)
    says(s["no process"], r"tessera areas: there is no process 4711")
    says(s["no argument"], r"usage: tessera areas PID")
    says(s["field"], r"no member named gone")


@case
def gdb_dump(work):
    """tools/run --dump: after a panic the same commands read the file"""
    dump = os.path.join(work, "dump")
    kernel = os.path.join(BUILD, "release/kernel.elf")
    _, err = run(BUSYBOX, "sh", "-c", "sleep 1000 & echo c >/proc/sysrq-trigger", options=("--dump", dump), status=125)
    if b"dump" not in err or not os.path.exists(dump):
        raise Failure(f"no dump: {err[-300:]!r}")
    ps, log, bt, free = gdb(kernel, "tessera ps", "tessera log 400", "tessera bt", "tessera free", target=dump)
    says(ps, r" busybox$", r" init$")
    says(log, r"kernel panic: ")
    says(bt, r"^thread \d+ \"(sh|busybox)\", cpu 0:", r"panic")
    says(free, r"pages free")


@case
def gdb_program(work):
    """tools/run --gdb: GDB stops at the program's entry, with its symbols"""
    program = build(work, "musl-gcc", "arranged.c", "-g")
    done = subprocess.run(
        [RUN, "--gdb", "--", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False, timeout=240,
        env={**os.environ, "GDB_ARGS": "-batch -ex 'info symbol $pc' -ex 'hbreak main' -ex continue -ex 'tessera bt' -ex kill"})
    if done.returncode != 137:
        raise Failure(f"status {done.returncode}")
    says(done.stdout, r'"arranged" at its entry 0x', r"_start", r"arranged\.c:\d+", r"in the program at")
