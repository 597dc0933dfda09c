# SPDX-License-Identifier: MIT
#
# How the commands of tools/gdb reach the kernel's data: types, lists, trees, the copies of per-CPU
# variables, the direct map. And what a command is.
import gdb

DIRECT_BASE = 0xffff800000000000  # arch/include/arch/mmu.h
MEMMAP_BASE = 0xffffd00000000000
PAGE_SIZE = 4096
COMMANDS = []
WAITING = []
OFFSETS = {}


def command(name, usage, what):
    """A function of the command's words becomes the command `tessera NAME`."""
    def add(fn):
        COMMANDS.append((name, usage, what))
        WAITING.append((name, usage, what, fn))
        return fn
    return add


class Command(gdb.Command):
    def __init__(self, name, usage, what, fn):
        self.__doc__ = f"{what[0].upper()}{what[1:]}: tessera {name} {usage}"
        super().__init__(f"tessera {name}", gdb.COMMAND_DATA)
        self.name, self.usage, self.fn = name, usage, fn

    def invoke(self, words, _):
        try:
            self.fn(*gdb.string_to_argv(words))
        except TypeError as e:
            if "positional argument" not in str(e):
                raise
            raise gdb.GdbError(f"usage: tessera {self.name} {self.usage}") from e
        except (gdb.error, KeyError, ValueError) as e:
            raise gdb.GdbError(f"tessera {self.name}: {str(e).strip(chr(39))}") from e


def register():
    for c in WAITING:
        Command(*c)
    WAITING.clear()


def number(text):
    """A number of a command's words: decimal, 0x..., or any expression."""
    return int(gdb.parse_and_eval(text))


def value(expression):
    return gdb.parse_and_eval(expression)


def pointer(type_name, address):
    return gdb.Value(int(address)).cast(gdb.lookup_type(type_name).pointer())


def offset(type_name, member):
    key = (type_name, member)
    if key not in OFFSETS:
        OFFSETS[key] = int(value(f"(unsigned long)&(({type_name} *)0)->{member}"))
    return OFFSETS[key]


def container(address, type_name, member):
    return pointer(type_name, int(address) - offset(type_name, member))


def elements(head, type_name, member):
    """Those of a struct list, whose head is a value."""
    end, at = int(head.address), int(head["next"])
    while at != end and at:
        yield container(at, type_name, member)
        at = int(pointer("struct list", at)["next"])


def nodes(root, type_name, member):
    """Those of a struct rb_root, in order."""
    stack, at = [], root["node"]
    while stack or int(at):
        while int(at):
            stack.append(at)
            at = at["left"]
        at = stack.pop()
        yield container(at, type_name, member)
        at = at["right"]


def static(file, name):
    """A variable of one source file."""
    return value(f"'{file}'::{name}")


def cpu_count():
    return int(value("cpu_count"))


def per_cpu(var, cpu):
    """CPU's copy of a per-CPU variable, given as a value."""
    at = int(var.address) + int(static("arch/x86_64/cpu/percpu.c", "offsets")[cpu])
    return gdb.Value(at & (1 << 64) - 1).cast(var.type.pointer()).dereference()


def address_spaces():
    """All of them, by the CPU that made them."""
    for cpu in range(cpu_count()):
        made = per_cpu(static("mm/op/mm.c", "made"), cpu)["list"]
        if int(made["next"]):
            yield from elements(made, "struct mm", "all")


def cpu_block(cpu):
    return per_cpu(value("cpu_local"), cpu)


def text(array):
    return array.string(errors="replace").split("\0")[0]


def read_word(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8).tobytes(), "little")


def read_words(address, n, size=8):
    data = gdb.selected_inferior().read_memory(address, n * size).tobytes()
    return [int.from_bytes(data[i:i + size], "little") for i in range(0, len(data), size)]


def page_of(frame):
    return pointer("struct page", MEMMAP_BASE + frame * gdb.lookup_type("struct page").sizeof)


def frame_of(page):
    return (int(page) - MEMMAP_BASE) // gdb.lookup_type("struct page").sizeof


def page_type(page):
    return str(page["type"].cast(gdb.lookup_type("enum page_type")))


def place(address):
    """FUNCTION+OFFSET of a code address; the number, where it is in none."""
    found = gdb.execute(f"info symbol {address:#x}", to_string=True).split(" in section")[0]
    return f"{address:#x}" if found.startswith("No symbol") else found.replace(" + ", "+").strip()


def place_behind(address):
    """The same of a return address: the call stands before it, maybe as its function's last word."""
    name, _, at = place(address - 1).partition("+")
    return f"{address:#x}" if name.startswith("0x") else f"{name}+{int(at or 0) + 1}"
