# SPDX-License-Identifier: MIT
#
# Who holds locks and who waits. A release kernel's spinlock does not say who has it, and its threads
# keep no list of their mutexes: there a lock is told to be held, no more. Debug kernels know.
import re

import gdb
from kernel import address_spaces, command, cpu_block, cpu_count, elements, place, pointer, static, text, value
from memory import owners, who
from tasks import backtrace, processes, running, threads


def global_spinlocks():
    """(name, value) of the kernel's variables that are spinlocks."""
    file = None
    for line in gdb.execute("info variables -q -t spinlock_t", to_string=True).splitlines():
        if line.startswith("File "):
            file = line[5:].rstrip(":")
        found = re.match(r"\d+:\s+(?:static )?(?:spinlock_t|struct spinlock) (\w+);", line)
        if found and file:
            yield found[1] if found[1] != "lock" else f"{file}: lock", value(f"'{file}'::{found[1]}")


def holder(lock):
    """Who has a spinlock, as text; None: nobody."""
    word = int(lock["held"])
    if not word:
        return None
    known = gdb.lookup_type("struct thread").fields()
    debug = any(f.name == "mutexes" for f in known)
    return f"held by cpu {(word & 0xff) - 1}" if debug else "held"


def waits_for(cpu):
    """The spinlock that a CPU waits for: its address, or 0."""
    before = gdb.selected_thread()
    try:
        for inferior in gdb.selected_inferior().threads():
            if inferior.num == cpu + 1:
                inferior.switch()
                frame = gdb.newest_frame()
                if frame.name() == "spin_wait":
                    return int(frame.read_register("rdi")) & (1 << 64) - 1
    finally:
        before.switch()
    return 0


def lock_name(address):
    for name, lock in global_spinlocks():
        if int(lock.address) == address:
            return name
    return place(address)


def mutex_text(m):
    state = int(m["state"])  # lib/mutex.h
    return "held exclusively" if state & 1 else f"held by {state >> 2} readers" if state >> 2 else "free"


def waiters(m):
    for w in elements(m["queue"], "struct mutex_waiter", "link"):
        t = pointer("struct thread", int(w["thread"]))
        yield f"thread {int(t['tid'])} \"{text(t['comm'])}\" waits, {str(w['mode']).lower()}"


def held_by(t):
    """(address, mode) of a thread's mutexes; debug kernels only."""
    held = t["mutexes"]
    return [(int(held["of"][i]["m"]), str(held["of"][i]["mode"]).lower().removeprefix("mutex_"))
            for i in range(int(held["n"]))]


def mutex_name(address, spaces):
    return f"memory of {who(spaces[address], owners())}" if address in spaces else lock_name(address)


@command("locks", "", "locks that are held and waited for, by CPU and by thread")
def locks():
    on, free = running(), True
    for c in range(cpu_count()):
        block, address = cpu_block(c), waits_for(c)
        held = int(block["spinlocks"])
        print(f"cpu {c}: {held} spinlocks counted" + (f", waits for {lock_name(address)}" if address else ""))
    for name, lock in global_spinlocks():
        if holder(lock):
            free = False
            print(f"spinlock {name}: {holder(lock)}")
    spaces = {}
    for mm in address_spaces():
        m = mm["lock"]
        spaces[int(m.address)] = int(mm)
        if int(m["state"]):
            free = False
            print(f"mutex memory of {who(int(mm), owners())}: {mutex_text(m)}")
            for line in waiters(m):
                print(f"  {line}")
    debug = any(f.name == "mutexes" for f in gdb.lookup_type("struct thread").fields())
    for t in (t for p in processes() for t in threads(p)) if debug else ():
        for address, mode in held_by(t):
            free = False
            print(f"thread {int(t['tid'])} \"{text(t['comm'])}\" has {mutex_name(address, spaces)}, {mode}")
            for line in waiters(pointer("struct mutex", address).dereference()):
                print(f"  {line}")
            if int(t) not in on:
                print(f"  and sleeps in {backtrace(t, on)[1:2]}")
    if free:
        print("nothing is held")
