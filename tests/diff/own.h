/* SPDX-License-Identifier: MIT
 *
 * The model of the calls that only Tessera has (own.c, own_ops.c).
 */
#pragma once

#include "tests/diff/diff.h"

enum { OWN_PAGES = 10 * TABLE, OWN_FILES = 3, OWN_FILE_PAGES = 1600, OWN_STEPS = 400 };

enum own_kind { NOTHING, OPEN, SEALED_AREA, READ_ONLY, PRIVATE_ANON };

/* What an address shows. */
struct shown {
    uint8_t kind, file, area; /* areas are numbered from 1 */
    bool writable;
    uint32_t home, page;
};

extern struct shown shown[OWN_PAGES];
extern uint64_t content[OWN_FILES][OWN_FILE_PAGES]; /* second word of each page */
extern size_t file_size[OWN_FILES];                 /* in pages */

/* Reports what is not as the model says. */
void wrong(const char *what, size_t at, uint64_t got, uint64_t want);
void check_shown(size_t at);
void own_operation(void); /* one call, judged */
int own_main(uint64_t seed, uint64_t from, uint64_t to);
