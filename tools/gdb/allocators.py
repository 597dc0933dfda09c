# SPDX-License-Identifier: MIT
#
# Free memory and slabs.
from kernel import command, cpu_count, elements, frame_of, number, page_of, page_type, per_cpu, static, value

GROUP_ORDER = 6  # mm/phys/blocks.h


def free_in_group(which):
    group = value("buddy")["groups"][which >> GROUP_ORDER]
    return int(group["free"]) >> which % (1 << GROUP_ORDER) & 1


@command("free", "", "free blocks of pages by order, and what CPUs keep")
def free():
    buddy = value("buddy")
    total = int(buddy["nfree"])
    in_groups = 0
    for order in range(GROUP_ORDER):
        sets = [int(g["free"]) for g in elements(buddy["free"][order], "struct group", "link")]
        in_groups += sum(s.bit_count() for s in sets)
        if sets:
            print(f"order {order:>2}: {len(sets):>6} groups of {1 << GROUP_ORDER} with no larger block free")
    print(f"{in_groups} pages free in groups")
    for order in range(GROUP_ORDER, buddy["blocks"].type.range()[1] + 1):
        said, first = int(buddy["blocks"][order]), ""
        found = 0
        for page in elements(buddy["free"][order], "struct page", "link"):
            first = first or f", the first at frame {frame_of(page):#x}"
            found += 1
        if said or found:
            wrong = "" if said == found else f" BUT {found} IN THE LIST"
            print(f"order {order:>2}: {said:>6} blocks{first}{wrong}")
    for c in range(cpu_count()):
        cache = per_cpu(static("mm/phys/page_stack.c", "page_stack"), c)
        total += int(cache["count"]) + int(cache["nzeroed"])
        print(f"cpu {c} keeps {int(cache['count'])} pages and {int(cache['nzeroed'])} zeroed ones")
    print(f"{total} pages free")


@command("slabs", "", "caches of kernel objects")
def slabs():
    print(f"{'CACHE':<20} {'SIZE':>6} {'OBJECTS':>8} {'SLABS':>6} {'PARTLY FREE':>12}")
    cache = static("mm/phys/slab.c", "caches")
    while int(cache):
        part = sum(1 for _ in elements(cache["partial"], "struct page", "slab_link"))
        print(f"{cache['name'].string():<20} {int(cache['size']):>6} {int(cache['objects']):>8} "
              f"{int(cache['slabs']):>6} {part:>12}")
        cache = cache["next"]


@command("frame", "FRAME", "what a frame of memory is")
def frame(which):
    page = page_of(number(which))
    kind = page_type(page)
    more = ""
    if free_in_group(number(which)):
        kind, more = "free", ", in a group"
    elif kind == "PAGE_FREE":
        more = f", a block of order {int(page['order'])}"
    elif kind == "PAGE_SLAB":
        more = f", of the cache {page['cache']['name'].string()}" if int(page["flags"]) & 1 == 0 else ""
    elif kind == "PAGE_TABLE":
        more = f", level {int(page['level'])}"
    elif kind == "PAGE_OBJECT":
        more = f", file page {int(page['index'])} of object {int(page['object']):#x}"
    print(f"frame {number(which):#x}: {kind}{more}")
