/* SPDX-License-Identifier: MIT
 *
 * The differential test: random memory programs, made from a seed, whose transcripts on Linux
 * and on Tessera are the same line by line. tests/README.md tells how it is run.
 *
 * A program is a list of operations on one arena of addresses and a few memory files. Every
 * operation draws its arguments from its own seed, so any sublist of a program is a program:
 * that is how a failing one is made small. The shadow (struct page) says what each page of
 * the arena shows; it aims the operations, and it knows where the two systems rightly differ
 * (rulings, marked "Ruling" where they stand). What came out is never taken from it.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define P     4096ul
#define TABLE 512u /* pages of one leaf table */
#define ARENA ((unsigned char *)0x100000000000ul)
#define RW    (PROT_READ | PROT_WRITE)

enum { PAGES = 12 * TABLE, OPS = 400, FILES = 4, OBJECTS = 600 };

enum kind { HOLE, ANON, SHARED, PRIVATE };
enum attr {
    LOCKED = 1,
    SEALED = 2,
    DONTFORK = 4,
    WIPE = 8,
    READONLY = 16,
    NORES = 32,
    ONFAULT = 64
};

/* What a page of the arena shows. */
struct page {
    uint8_t kind, prot, attr;
    uint16_t file;     /* SHARED, PRIVATE: below FILES, or a shared anonymous object */
    uint32_t origin;   /* pages of one piece that was never cut */
    uint32_t parted;   /* by what the other system does not see: two bits each */
    int32_t home, now; /* SHARED, PRIVATE: page of the file by the mapping, and shown */
};

/* What is counted, and by what it met: nothing rearranged, some pages, a whole leaf table. */
enum event {
    MAP_OVER,
    UNMAP,
    PROTECT,
    LOCK,
    DROP,
    PUNCH,
    PUNCH_BY_ADDRESS,
    CUT,
    FORK,
    REMAP,
    GO_HOME,
    MOVE_ALIGNED,
    MOVE_SKEWED,
    OVER_ALIGNED,
    OVER_SKEWED,
    DUPLICATE,
    KEEP,
    COVER,
    GROW,
    SHRINK,
    BUS,
    SEGV,
    SEAL_REFUSES,
    NO_RIGHT,
    FULL,
    EVENTS
};
enum shape { PLAIN, ARRANGED, WHOLE_TABLE, SHAPES };

/* Memory that the processes of a program share. */
struct common {
    uint64_t digest;
    uint32_t lines, objects;
    bool allocated[FILES]; /* by fallocate */
    int64_t size[OBJECTS]; /* of files and objects, in bytes */
    uint64_t events[EVENTS][SHAPES];
    uint64_t illegal; /* of the threads variant and of the calls of our own */
};

struct range {
    size_t at, n;
};

/* How a program looks: drawn once. */
struct regime {
    size_t pages;  /* of the arena in use */
    size_t window; /* usual size of a range, 0: any */
    size_t skew;   /* of windows against leaf tables */
    size_t file_pages;
};

extern bool on_tessera, full_text;
extern struct page pages[PAGES + 1];
extern struct common *common;
extern struct regime regime;
extern int fds[FILES], read_only_fd; /* the latter: file 3 by a description O_RDONLY */
extern uint64_t op_number;

/* ---- chance (rnd.c): each operation has its own stream ---- */
void rnd_start(uint64_t seed, uint64_t program, uint64_t op);
uint64_t rnd(void);
size_t pick(size_t n);
struct range some_range(void);
struct range some_small_range(void);
size_t some_place(size_t n); /* where n pages go */
int some_prot(void);

/* ---- the transcript ---- */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void say_end(void);
/* The result of a call: 0, an errno, or a number. Also returns it: negative errno. */
long say_result(long result);
long say_address(void *got); /* of mmap and mremap: relative to the arena */
/* What a sample of the pages holds; with a signal where reading raises one. */
void say_contents(size_t at, size_t n, size_t samples);
void say_file(int file);
void say_blocks(void);

/* ---- memory under the catcher: 0 or the signal ---- */
int touch_read(const volatile void *p, uint64_t *value);
int touch_write(volatile void *p, uint64_t value);
void touch_arm(void);

/* ---- the shadow ---- */
void shadow_reset(void);
void shadow_cut(size_t at, size_t n); /* the range gets pieces of its own */
/* Ruling: a call refused for a seal leaves mappings cut on Linux. */
void shadow_refused(size_t at, size_t n, long result);
void shadow_clear(size_t at, size_t n); /* to holes */
void shadow_attr(size_t at, size_t n, unsigned set, unsigned clear);
void shadow_move(size_t from, size_t to, size_t n, bool keep);
bool shadow_all(size_t at, size_t n, bool (*is)(const struct page *));
bool shadow_any(size_t at, size_t n, bool (*is)(const struct page *));
bool is_hole(const struct page *p);
bool is_sealed(const struct page *p);
bool is_locked(const struct page *p);
/* One mapping for sure, on the system named; neither: several, or merging decides. */
bool one_area_linux(size_t at, size_t n);
bool one_area_here(size_t at, size_t n);
void shadow_fill(struct range r, struct page first); /* a fresh mapping */
size_t linux_run(size_t at, size_t n); /* first pages of the range that are one there */
bool readable(size_t i);
bool writable(size_t i);

/* ---- what was entered (events.c) ---- */
void hit(enum event e, enum shape shape);
enum shape shape_at(size_t at, size_t n);
/* Of the addresses that show the bytes [from, to) of a file. */
enum shape shape_of_file(int file, int64_t from, int64_t to);
void events_print(void);

/* ---- operations ---- */
/* Parts of operations: r to the place `to`, not over itself. */
void move_to(struct range r, size_t to, const char *how);
void duplicate_at(struct range r, size_t to);
void keep_at(struct range r, size_t to);
/* remap_file_pages: 0 or a negative errno; the shadow follows. */
long remap_pages(size_t at, size_t n, size_t page, int flags);

void op_map(void);
void op_unmap(void);
void op_protect(void);
void op_seal_memory(void);
void op_brk(void);
void op_list(void); /* /proc/self/maps */
void op_move(void);
void op_grow(void);
void op_shrink(void);
void op_duplicate(void);
void op_dontunmap(void);
void op_remap(void);
void op_scatter(void);
void op_home(void);
void op_truncate(void);
void op_allocate(void);
void op_pread(void);
void op_pwrite(void);
void op_seek(void);
void op_seal_file(void);
void op_write(void);
void op_read(void);
void op_advise(void);
void op_sync(void);
void op_lock(void);
void op_incore(void);
void op_vmread(void);
void op_cover(void);
void op_limit(void); /* at vm.max_map_count */
void files_make(void);
