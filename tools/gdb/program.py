# SPDX-License-Identifier: MIT
#
# A program at its entry: what tools/run --gdb does before it gives GDB to you.
import gdb
from kernel import command, cpu_block, text

AT_ENTRY = 9


def current_proc():
    """The process that the selected CPU runs, or None."""
    t = cpu_block(gdb.selected_thread().num - 1)["current"]
    return t["proc"] if int(t) and int(t["proc"]) else None


def auxiliary(mm, kind):
    words = mm["program"]["auxv"]
    for i in range(0, words.type.range()[1], 2):
        if int(words[i]) == kind:
            return int(words[i + 1])
    return 0


class Exec(gdb.Breakpoint):
    """Stops where exec has made a process this program."""

    def __init__(self, name):
        super().__init__("arch_thread_reset", type=gdb.BP_HARDWARE_BREAKPOINT, internal=True)
        self.name, self.silent = name[:15], True

    def stop(self):
        p = current_proc()
        return p is not None and text(p["comm"]) == self.name


class Entry(gdb.Breakpoint):
    """Stops at an address of one process."""

    def __init__(self, pid, address):
        super().__init__(f"*{address:#x}", type=gdb.BP_HARDWARE_BREAKPOINT, internal=True)
        self.pid = pid

    def stop(self):
        p = current_proc()
        return p is not None and int(p["pid"]) == self.pid


@command("program", "NAME FILE ENTRY", "runs to the entry of a program that is started; its symbols from FILE")
def program(name, file, entry):
    begun = Exec(name)
    gdb.execute("continue", to_string=True)
    begun.delete()
    p = current_proc()
    address = auxiliary(p["mm"], AT_ENTRY)
    first = Entry(int(p["pid"]), address)
    gdb.execute("continue", to_string=True)
    first.delete()
    gdb.execute(f"add-symbol-file {file} -o {address - int(entry, 0):#x}", to_string=True)
    print(f"process {int(p['pid'])} \"{name}\" at its entry {address:#x}")
