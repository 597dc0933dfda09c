# SPDX-License-Identifier: MIT
#
# Databases that live on mappings: static programs with liblmdb and SQLite print the same
# inside Tessera as on this machine.
import os

from harness import Skip, build, case, host, run, same


def both(work, source, header, libraries, *words):
    if not os.path.exists(f"/usr/include/{header}"):
        raise Skip(f"no {header} on this machine")
    program = build(work, "gcc", source, *libraries)
    there = os.path.join(work, "there")
    os.mkdir(there)
    same(run(program, *words, options=("-m", "512"))[0], host(program, *words, cwd=there))


@case
def lmdb(work):
    """LMDB: 20,000 puts and a scan"""
    both(work, "lmdb_puts.c", "lmdb.h", ("-llmdb", "-lpthread"))


@case
def lmdb_writemap(work):
    """LMDB with MDB_WRITEMAP"""
    both(work, "lmdb_puts.c", "lmdb.h", ("-llmdb", "-lpthread"), "writemap")


@case
def sqlite(work):
    """SQLite: WAL, mmap_size, 20,000 rows, integrity_check"""
    both(work, "sqlite_rows.c", "sqlite3.h", ("-lsqlite3", "-lpthread", "-ldl", "-lm"))
