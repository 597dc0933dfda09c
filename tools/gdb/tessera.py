# SPDX-License-Identifier: MIT
#
# Tessera's commands for GDB: gdb build/debug/kernel.elf -x tools/gdb/tessera.py, then `tessera`
# lists them. They read a stopped machine (make debug, tools/run --gdb) or a dump (tools/run
# --dump FILE), and never run code in it. What a field's name says must be so in the kernel:
# a name that is gone ends the command with that name.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import gdb  # noqa: E402
import kernel  # noqa: E402,F401
import allocators  # noqa: E402,F401
import locks  # noqa: E402,F401
import memory  # noqa: E402,F401
import program  # noqa: E402,F401
import tasks  # noqa: E402,F401


class Tessera(gdb.Command):
    """Commands that know the kernel."""

    def __init__(self):
        super().__init__("tessera", gdb.COMMAND_DATA, prefix=True)

    def invoke(self, words, _):
        if words:
            raise gdb.GdbError(f"no command of that name: {words}")
        for name, usage, what in sorted(kernel.COMMANDS):
            print(f"  tessera {(name + ' ' + usage).strip():<32} {what}")


Tessera()
kernel.register()
