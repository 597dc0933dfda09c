#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# tools/metrics, tools/check-includes.py and tools/check-docs.py report what they are there for:
# a copy of the kernel's sources gets one violation of each kind, and the tools must name it.
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
ROOMS = ("lib", "mm", "fs", "kernel", "arch", "tools")


def write(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def seed(root):
    """One violation a figure, each in a file of its own."""
    write(root, "mm/seed_climb.c", '#include "fs/vfs.h"\n')
    write(root, "mm/phys/seed_floor.c", '#include "mm/op/seed_op.h"\n')
    write(root, "mm/op/seed_op.h", "#pragma once\n")
    write(root, "kernel/task/seed_room.c", '#include "kernel/procfs/procfs.h"\n')
    write(root, "mm/seed_ring_a.h", '#pragma once\n#include "mm/seed_ring_b.h"\n')
    write(root, "mm/seed_ring_b.h", '#pragma once\n#include "mm/seed_ring_a.h"\n')
    write(root, "mm/seed_store.c", "void a(pte_t *e) { pte_store(e, 0); }\n")
    write(root, "mm/seed_away.c", "u32 b(struct leaf *l) { return l->away[3]; }\n")
    write(root, "mm/seed_rss.c", "void c(struct mm *mm) { mm->rss_anon += 1; }\n")
    write(root, "mm/seed_huge.c", "bool d(struct vma *v) { return vma_huge(v); }\n" * 30)
    write(root, "lib/seed_protos.h",
          "#pragma once\n" + "".join(f"void seed_function_{i}(void);\n" for i in range(400)))
    for i in range(41):
        write(root, f"kernel/crowd/seed_{i}.c", "")
    write(root, "seed.md", "Only `seed_missing()` does it, in `mm/seed_no_such_file.c`.\n"
          "`slot_drop()` (`mm/vm/rmap.h`) and `slot_drop()` in\n`mm/vm/away.h` stand in `mm/vm/slot.h`, the file of\n"
          "`slot_drop()` (`mm/vm/slot.h`).\n101<!-- = a call --> instructions, and not\n120<!-- = a call -->.\n")
    write(root, "user/bench/figures.json", '{"a call": [100]}\n')
    # What must not count: comments, texts, and the kernel's own tables.
    write(root, "mm/seed_innocent.c", '/* pte_store(e, 0) */ char *t = "x->away[1]";\n')


EXPECTED = [
    ("a climb between layers", r"mm/seed_climb\.c:1: fs/vfs\.h lies above"),
    ("a climb between floors of mm", r"mm/phys/seed_floor\.c:1: mm/op/seed_op\.h lies above"),
    ("a climb between rooms", r"kernel/task/seed_room\.c:1: kernel/procfs/procfs\.h lies above"),
    ("a cycle", r"cycle: .*mm/seed_ring_"),
    ("a second writer of translations", r"> .*translations(.|\n)*mm/seed_store\.c: 1"),
    ("a second reader of away numbers", r"> .*away(.|\n)*mm/seed_away\.c: 1"),
    ("a second writer of counters", r"> .*resident(.|\n)*mm/seed_rss\.c: 1"),
    ("tests of huge", r"> .*huge(.|\n)*mm/seed_huge\.c: 30"),
    ("prototypes without a function of theirs", r"> .*prototypes(.|\n)*seed_function_7"),
    ("a crowded folder", r"> .*folder(.|\n)*kernel/crowd: 41"),
    ("a document's function that is not there", r"seed\.md:1: no function `?seed_missing"),
    ("a document's function that stands elsewhere", r"seed\.md:2: slot_drop is not in mm/vm/rmap\.h\n"
                                                   r"seed\.md:2: slot_drop is not in mm/vm/away\.h\nseed\.md"),
    ("a figure in a text that is another today", r"mm/vm/away\.h\nseed\.md:6: 120 is 100: a call\nseed\.md:1"),
    ("a document's file that is not there", r"seed\.md:1: no file mm/seed_no_such_file\.c"),
]


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for room in ROOMS:
            shutil.copytree(TOP / room, root / room)
        seed(root)
        subprocess.run(["git", "init", "-q", root], check=True)
        out = subprocess.run([root / "tools/metrics"], cwd=root, capture_output=True, text=True,
                             check=False)
        docs = subprocess.run([root / "tools/check-docs.py"], cwd=root, capture_output=True,
                              text=True, check=False)
    text, failed = out.stdout + out.stderr + docs.stdout + docs.stderr, 0
    results = [(name, re.search(pattern, text)) for name, pattern in EXPECTED]
    results.append(("the tools fail", out.returncode == 1 and docs.returncode == 1))
    results.append(("comments and texts do not count", "seed_innocent" not in text))
    for number, (name, good) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name} {'is reported' if number <= len(EXPECTED) else ''}")
        failed += not good
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
