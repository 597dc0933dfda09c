# SPDX-License-Identifier: MIT
#
# Address spaces: areas, the walk of an address, what is where, who shows a page, objects.
from kernel import (DIRECT_BASE, PAGE_SIZE, address_spaces, command, elements, nodes, number, page_of, page_type,
                    pointer, read_word, read_words, static, text)
from tasks import process, processes

FRAME = 0x000ffffffffff000
PRESENT, WRITE, USER, ACCESSED, DIRTY, LARGE, PARKED, NUMBERS, NX = (
    1, 2, 4, 1 << 5, 1 << 6, 1 << 7, 1 << 9, 1 << 10, 1 << 63)  # arch/include/arch/pte.h
FLAG_LOG = 4  # PG_LOG
LEVELS = 4
VM = {"read": 1, "write": 2, "exec": 4, "shared": 0x100, "huge": 0x400000}  # mm/vm/vma.h
KEY = 28  # VM_KEY_SHIFT


def mm_of(pid):
    mm = process(number(pid))["mm"]
    if not int(mm):
        raise ValueError(f"process {pid} has no memory any more")
    return mm


def area_of(mm, va):
    for v in nodes(mm["vmas"], "struct vma", "node"):
        if int(v["start"]) <= va < int(v["end"]):
            return v
    return None


def rights(flags):
    return "".join(c if flags & VM[n] else "-" for c, n in zip("rwx", ("read", "write", "exec"))) + (
        "s" if flags & VM["shared"] else "p") + (f" key {flags >> KEY}" if flags >> KEY else "")


def name_of(v):
    """The path's last part, of what is mapped there."""
    if not int(v["file"]):
        return "" if int(v["object"]) == 0 else "[shared memory]"
    dentry = pointer("struct file", int(v["file"]))["path"]["dentry"]
    return text(dentry["name"]) if int(dentry) else "[nameless]"


def area_line(v):
    flags = int(v["flags"])
    home = f" from file page {int(v['pgoff'])} of object {int(v['object']):#x}" if int(v["object"]) else ""
    return f"{int(v['start']):012x}-{int(v['end']):012x} {rights(flags)}{home} {name_of(v)}".rstrip()


@command("areas", "PID", "the areas of a process")
def areas(pid):
    for v in nodes(mm_of(pid)["vmas"], "struct vma", "node"):
        print(area_line(v))


def entry_text(e):
    if not e & PRESENT:
        return "nothing" if e == 0 else "parked" if e & PARKED else "away numbers alone" if e & NUMBERS else "absent"
    bits = "".join(c if e & b else "-" for c, b in (("w", WRITE), ("u", USER), ("a", ACCESSED), ("d", DIRTY)))
    key = e >> 59 & 15
    return (f"frame {(e & FRAME) >> 12:#x} {bits}{'' if e & NX else 'x'}{' 2 MiB' if e & LARGE else ''}"
            + (f" key {key}" if key else ""))


def levels(mm, va):
    """[(level, table's frame, index, entry)], from the root down."""
    found, frame = [], int(mm["root_pa"]) >> 12
    for level in range(LEVELS - 1, -1, -1):
        index = va >> (12 + 9 * level) & 511
        e = read_word(DIRECT_BASE + frame * PAGE_SIZE + 8 * index)
        found.append((level, frame, index, e))
        if not e & PRESENT or (level == 1 and e & LARGE):
            break
        frame = (e & FRAME) >> 12
    return found


def numbers_of(found):
    """The array of away numbers of a walk's last step and the index in it, or None."""
    level, frame, index, e = found[-1]
    table = page_of(frame)
    if level <= 1 and int(table["away"]) and (level == 0 or e & LARGE):
        return int(table["away"]), index
    return None


def number_of(found, va):
    if found[-1][0] == 1 and not found[-1][3] & PRESENT and found[-1][3] & NUMBERS:
        e = found[-1][3]  # an array without a table: pte_numbers_array()
        return read_words((DIRECT_BASE + ((~e & FRAME) | (e >> 2 & 0xff) << 3 | (e & 1 << 11))
                           + 4 * (va >> 12 & 511)), 1, 4)[0]
    at = numbers_of(found)
    return read_words(at[0] + 4 * at[1], 1, 4)[0] if at else 0


def shown_page(v, va, n):
    """(file page, whether away) of an address in an area of an object; n: its number."""
    home = int(v["pgoff"]) + (va - int(v["start"]) >> 12)
    return (n - 1, True) if n else (home, False)


@command("walk", "PID ADDRESS", "the tables over an address: slot, away number, page")
def walk(pid, address):
    mm, va = mm_of(pid), number(address)
    v = area_of(mm, va)
    print(area_line(v) if v else "no area")
    found = levels(mm, va)
    for level, frame, index, e in found:
        table = page_of(frame)
        owner = int(table["mm"])
        shared = "" if owner == int(mm) or level else f", of {int(table['holders'])} address spaces"
        print(f"  level {level}: table {frame:#x} slot {index}: {entry_text(e)}{shared}")
        if level == 0:
            print(f"  table {frame:#x}: {int(table['present'])} present, {int(table['naway'])} away"
                  + (f", numbers at {int(table['away']):#x}" if int(table["away"]) else ", all at home"))
    n = number_of(found, va)
    if v and int(v["object"]):
        page, away = shown_page(v, va, n)
        home = int(v["pgoff"]) + (va - int(v["start"]) >> 12)
        print(f"  away number {n}: file page {page}, " + (f"away (home: {home})" if away else "at home"))
    e = found[-1][3]
    if e & PRESENT and found[-1][0] <= 1:
        frame = (e & FRAME) >> 12
        print(f"  page {frame:#x}: {page_text(page_of(frame))}")


def page_text(page):
    kind = page_type(page)
    if kind == "PAGE_OBJECT":
        return f"{kind}, file page {int(page['index'])} of object {int(page['object']):#x}"
    if kind == "PAGE_ANON":
        return f"{kind}, {int(page['refs'])} references"
    return kind


@command("arrangement", "PID ADDRESS", "which file pages the area of an address shows, a line a stretch")
def arrangement(pid, address):
    mm = mm_of(pid)
    v = area_of(mm, number(address))
    if not v or not int(v["object"]):
        raise ValueError(f"no file or shared memory is mapped at {address}")
    if int(v["flags"]) & VM["huge"]:
        raise ValueError("an area of 2 MiB pages: look with tessera walk")
    print(area_line(v))
    runs, at, end = [], int(v["start"]), int(v["end"])
    while at < end:
        stop = min(end, (at | 0x1fffff) + 1)
        for va, page, away in table_arrangement(mm, v, at, stop):
            if runs and runs[-1][2] == away and page == runs[-1][1] + (va - runs[-1][0] >> 12):
                runs[-1][3] += 1
            else:
                runs.append([va, page, away, 1])
        at = stop
    for va, page, away, n in runs:
        print(f"  {va:012x} {n:>6} pages: file pages {page} to {page + n - 1}, {'away' if away else 'at home'}")


def table_arrangement(mm, v, at, stop):
    """(address, file page, away) of the addresses under one leaf table."""
    found = levels(mm, at)
    array = numbers_of(found)[0] if numbers_of(found) else 0
    first, n = at >> 12 & 511, stop - at >> 12
    if array:
        numbers = read_words(array + 4 * first, n, 4)
    elif found[-1][0] == 1:
        numbers = [number_of(found, at + 4096 * i) for i in range(n)]
    else:
        numbers = [0] * n
    return [(at + 4096 * i, *shown_page(v, at + 4096 * i, numbers[i])) for i in range(n)]


def log_keys(word):
    """Keys of a backlink log: mm/vm/backlink_log.c."""
    if not word:
        return []
    if word & 1:
        return [k for child in read_words(word & ~1, 64) for k in log_keys(child)]
    order = read_words(word + 4, 1, 2)[0]
    return [k for k in read_words(word + 8, (1 << order) - 1) if k]


def own_hints(page):
    links = page["links"]
    low, high = [int(links["low"][i]) for i in range(4)], [int(links["high"][i]) for i in range(4)]
    if int(page["flags"]) & FLAG_LOG:
        return [("log", k) for k in log_keys(low[1] << 32 | low[0])]
    return [("backlink", high[i] << 32 | low[i]) for i in range(4) if low[i] | high[i]]


def leaf_of(index, n):
    node = index["root"]
    while int(node) and int(node["shift"]):
        node = node["slot"][n >> int(node["shift"]) & 63].cast(node.type)
    return node


def run_hints(page):
    """What the runs of the page's leaf of the index say: mm/vm/backrun.h."""
    leaf, i = leaf_of(page["object"]["pages"], int(page["index"])), int(page["index"]) & 63
    hints = []
    for w in range(8) if int(leaf) else ():
        run = int(leaf["word"][w])
        k, count = i - (run >> 40 & 63), (run >> 46 & 63) + 1
        if run and 0 <= k < count:
            hints.append((f"run of {count}", (run & (1 << 40) - 1) + k))
    return hints


def owners():
    """{address of an address space: process numbers}"""
    found = {}
    for p in processes():
        if int(p["mm"]):
            found.setdefault(int(p["mm"]), []).append(int(p["pid"]))
    return found


def who(mm, by):
    return "process " + ", ".join(map(str, by[mm])) if mm in by else f"address space {mm:#x}"


def hint_line(kind, key, frame, by):
    entry = key << 3
    table = page_of(entry >> 12)
    if page_type(table) != "PAGE_TABLE" or int(table["level"]) > 1:
        return f"  {kind} to {entry:#x}: stale, there is no table"
    e, index = read_word(DIRECT_BASE + entry), key & 511
    level = int(table["level"])
    va = (int(table["base"]) << 21) + (index << 12 + 9 * level)
    live = e & PRESENT and (e & FRAME) >> 12 == frame
    return (f"  {kind} to {va:#x} of {who(int(table['mm']), by)}, table {entry >> 12:#x} slot {index}: "
            + ("live" if live else f"stale, {entry_text(e)} is there"))


def same_homes(v):
    """An area and those that hang below it (mm/vm/kin.h)."""
    yield v
    at = int(v["kin"]["first"])
    while at and not at & 1:
        below = pointer("struct vma", at).dereference()
        yield from same_homes(below)
        at = int(below["kin"]["next"])


def mappings(o):
    """The areas that show an object."""
    for v in nodes(o["vmas"], "struct vma", "home_node"):
        yield from same_homes(v)


def home_lines(page, frame, by):
    """Areas whose home the page is, and whether they show it."""
    n, shift = int(page["index"]), 0
    for v in mappings(page["object"]):
        va = int(v["start"]) + (n - int(v["pgoff"]) << 12)
        if not int(v["start"]) <= va < int(v["end"]):
            continue
        e = levels(v["mm"].dereference(), va)[-1]
        shift = 9 * e[0]
        live = e[0] <= 1 and e[3] & PRESENT and (e[3] & FRAME) >> 12 == frame
        yield f"  home {va:#x} of {who(int(v['mm']), by)}: " + (
            "live" if live else f"not shown, {entry_text(e[3]) if not shift or e[3] & LARGE else 'nothing'} is there")


@command("page", "FRAME | PID ADDRESS", "who shows a page: homes, backlinks and runs of them, live or stale")
def page(first, address=None):
    frame = number(first)
    if address is not None:
        e = levels(mm_of(first), number(address))[-1]
        if not e[3] & PRESENT or e[0] > 1:
            raise ValueError(f"nothing is shown at {address}")
        frame = (e[3] & FRAME) >> 12
    pg = page_of(frame)
    print(f"page {frame:#x}: {page_text(pg)}")
    if page_type(pg) != "PAGE_OBJECT" or not int(pg["object"]):
        return
    by = owners()
    for line in home_lines(pg, frame, by):
        print(line)
    for kind, key in own_hints(pg) + run_hints(pg):
        print(hint_line(kind, key, frame, by))


@command("objects", "", "objects that are mapped")
def objects():
    found = {}
    for p in processes():
        for v in nodes(p["mm"]["vmas"], "struct vma", "node") if int(p["mm"]) else ():
            if int(v["object"]):
                found.setdefault(int(v["object"]), (v["object"], name_of(v)))
    print(f"{'OBJECT':<18} {'BYTES':>12} {'PAGES':>8} {'AREAS':>6} {'REFS':>5} {'LEAVES WITH RUNS':>17} NAME")
    for address, (o, name) in sorted(found.items()):
        print(f"{address:#18x} {int(o['size']):>12} {int(o['pages']['count']):>8} {int(o['nvmas']):>6} "
              f"{int(o['refs']):>5} {leaves_with_runs(o['pages']['root']):>17} {name}")


def leaves_with_runs(node):
    if not int(node):
        return 0
    if not int(node["shift"]):
        return int(node["word"][0]) != 0
    children = read_words(int(node["slot"].address), 64)
    return sum(leaves_with_runs(pointer("struct index_node", c)) for c in children if c)


@command("spaces", "", "address spaces: pages, tables, areas")
def spaces():
    by = owners()
    for mm in address_spaces():
        resident = [int(mm["resident"][i]) for i in range(3)]
        print(f"{int(mm):#x}: {who(int(mm), by)}, {int(mm['nvmas'])} areas, {int(mm['tables'])} tables, "
              f"{int(mm['aways'])} with away numbers, {int(mm['lent'])} lent, resident {resident} "
              "(private, file, shared; without what CPUs have not added yet)")
