# SPDX-License-Identifier: MIT
#
# Processes, threads, where they are in the kernel, the log.
import gdb
from kernel import (PAGE_SIZE, command, cpu_block, cpu_count, elements, number, per_cpu, place,
                    place_behind, read_word, static, text, value)

STATES = {"THREAD_RUNNABLE": "ready", "THREAD_UNPLACED": "moves", "THREAD_SLEEPING": "sleeps",
          "THREAD_ZOMBIE": "zombie"}
DEEPEST = 40


def processes():
    found = {}
    buckets = static("kernel/task/proc.c", "hash")
    for i in range(buckets.type.range()[1] + 1):
        for p in elements(buckets[i], "struct proc", "hash"):
            found[int(p["pid"])] = p
    return [found[pid] for pid in sorted(found)]


def process(pid):
    for p in processes():
        if int(p["pid"]) == pid:
            return p
    raise ValueError(f"there is no process {pid}")


def threads(p):
    return list(elements(p["threads"], "struct thread", "proc_link"))


def running():
    """{address of a thread: CPU}"""
    return {int(cpu_block(c)["current"]): c for c in range(cpu_count()) if int(cpu_block(c)["current"])}


def state_of(t, on):
    if int(t) in on:
        return f"cpu {on[int(t)]}"
    return STATES.get(str(t["state"].cast(gdb.lookup_type("enum thread_state"))), "?")


def chain(t, rbp, ip):
    """Code addresses on the thread's kernel stack, innermost first, by frame pointers."""
    top = int(t["arch"]["stack_top"])
    places = [ip]
    while top - 16 * PAGE_SIZE < rbp <= top - 16 and len(places) < DEEPEST:
        ip = read_word(rbp + 8)
        if not ip >> 63:
            break
        places.append(ip)
        above = read_word(rbp)
        if above <= rbp:
            break
        rbp = above
    return places


def cpu_registers(cpu):
    """(RBP, RIP) of a CPU, which is a thread of GDB's; the selected one stays."""
    before = gdb.selected_thread()
    try:
        for inferior in gdb.selected_inferior().threads():
            if inferior.num == cpu + 1:
                inferior.switch()
                frame = gdb.newest_frame()
                return int(frame.read_register("rbp")), int(frame.read_register("rip")) & (1 << 64) - 1
    finally:
        before.switch()
    raise ValueError(f"GDB does not see cpu {cpu}")


def backtrace(t, on):
    """Lines of a thread's kernel stack."""
    if int(t) in on:
        rbp, ip = cpu_registers(on[int(t)])
        if not ip >> 63:
            return [f"in the program at {ip:#x}"]
        inner, *callers = chain(t, rbp, ip)
        return [place(inner)] + [place_behind(a) for a in callers]
    sp = int(t["arch"]["sp"])  # context_switch: r15 r14 r13 r12 rbx rbp, return address
    return [place_behind(a) for a in chain(t, read_word(sp + 40), read_word(sp + 48))]


def find(who):
    """The threads that a number means: of a process, or one."""
    n = number(who)
    for p in processes():
        if int(p["pid"]) == n:
            return threads(p)
        for t in threads(p):
            if int(t["tid"]) == n:
                return [t]
    raise ValueError(f"there is no process or thread {n}")


@command("ps", "", "processes and their threads")
def ps():
    on = running()
    print(f"{'PID':>6} {'TID':>6} {'PARENT':>6} {'STATE':<8} {'AREAS':>6} NAME")
    for p in processes():
        areas = int(p["mm"]["nvmas"]) if int(p["mm"]) else 0
        if p["zombie"]:
            print(f"{int(p['pid']):>6} {'':>6} {int(p['ppid']):>6} {'zombie':<8} {areas:>6} {text(p['comm'])}")
        for t in threads(p):
            print(f"{int(p['pid']):>6} {int(t['tid']):>6} {int(p['ppid']):>6} {state_of(t, on):<8} "
                  f"{areas:>6} {text(t['comm'])}")


@command("bt", "[PID|TID]", "kernel stacks: of one, or of what runs on each CPU")
def bt(who=None):
    on = running()
    for t in find(who) if who else [gdb.Value(a).cast(gdb.lookup_type("struct thread").pointer())
                                    for a in sorted(on, key=on.get)]:
        print(f"thread {int(t['tid'])} \"{text(t['comm'])}\", {state_of(t, on)}:")
        for line in backtrace(t, on):
            print(f"  {line}")


@command("cpus", "", "what each CPU runs")
def cpus():
    for c in range(cpu_count()):
        block, queue = cpu_block(c), per_cpu(value("runq"), c)
        t = block["current"]
        who = "nothing yet" if not int(t) else f"thread {int(t['tid'])} \"{text(t['comm'])}\""
        print(f"cpu {c}: {who}, {int(queue['nr'])} ready, interrupt depth {int(block['irq_depth'])}")


@command("log", "[LINES]", "the end of the kernel's log (20 lines)")
def log(lines="20"):
    ring = static("kernel/printk.c", "ring")
    written, size = int(static("kernel/printk.c", "written")), ring.type.sizeof
    data = gdb.selected_inferior().read_memory(int(ring.address), size).tobytes()
    data = data[:written] if written <= size else data[written % size:] + data[:written % size]
    whole = "".join(chr(b) for b in data if 32 <= b < 127 or b == 10)
    print("\n".join(whole.splitlines()[-number(lines):]))
