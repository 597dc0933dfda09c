/* SPDX-License-Identifier: MIT
 *
 * The threads variant: several threads work on one address space and one file at once. What a
 * read may find is not one value then but a set, and the program is made so that the set is
 * small.
 *
 * Each address and each page of a file belongs to a class, its number modulo CLASSES, and no
 * operation shows a page at an address of another class. A word written carries its class and
 * the moment its write began. So every word read is zero, or one of the class of the place;
 * and none is older than the last time that every page it could stand in was emptied.
 */
#pragma once

#include "tests/diff/diff.h"

enum {
    THREADS = 4,
    STEPS = 250,              /* of each thread */
    CLASSES = 64,             /* a divisor of TABLE */
    FILE_PAGES = 1024,        /* of each of the two files */
    SHARED_PAGES = 4 * TABLE, /* of the arena: only mappings of the first file, shared */
    MIXED_PAGES = TABLE, /* behind them: anonymous, private, shared of the second file */
};

struct place {
    size_t at, n;
};

extern int first_file, second_file;
extern __thread int me; /* number of the thread */

/* Something that no order of the operations explains. Counts it and tells what. */
void illegal(const char *what, size_t at, uint64_t value);

/* A result that the call may have: 0 or more, or the errno is in the list, which ends at 0. */
void check_result(const char *call, long result, const int *legal);

/* ---- moments (threads_check.c) ---- */
uint64_t write_begins(size_t at); /* the word to write at a place of that class */
void write_ends(void);
uint64_t emptying_begins(void);
void emptied(size_t page, size_t n, uint64_t moment); /* pages of the first file */

/* Reads a word of the arena, or of a page of the first file, and judges it. */
void check_address(size_t at, size_t offset);
void check_page(size_t page, size_t offset);
/* Whether the class and the moment can be. */
void check_word(const char *how, size_t at, uint64_t value, uint64_t floor);
uint64_t floor_of_class(size_t at);
/* When nobody works any more: each address shows the page of the file it is said to show. */
void check_at_rest(void);
void checks_start(void);

void thread_step(void); /* threads_ops.c */
int threads_main(uint64_t seed, uint64_t from, uint64_t to);
