/* SPDX-License-Identifier: MIT
 *
 * runs: here
 * begun: user/exercises/nonlinear.h .
 *
 * Two tables, the second made by a fork, against a plain list of numbers. Frames of pages that were cut off serve other pages
 * at once, so that a translation that was forgotten shows a stranger.
 */
#include <stdbool.h>

#include "tests/exercises/check.h"

#define MOST 4096u /* pages of the file, and frames */

/* The file: which frame holds a page (0: a hole), and which page a frame holds, as struct page says it. */
struct nl_file {
    uint32_t size, frame[MOST], page[MOST + 1], nfree, free[MOST];
};

/* The frame of a page below the end; a hole is filled. */
static uint32_t nl_fill(struct nl_file *f, uint32_t page)
{
    CHECK(page < f->size);
    if (!f->frame[page]) {
        CHECK(f->nfree);
        f->frame[page] = f->free[--f->nfree];
        f->page[f->frame[page]] = page;
    }
    return f->frame[page];
}

#include "user/exercises/nonlinear.h"

struct model {
    struct nl table;
    uint32_t number[512];
    bool parked[512];
};

static struct nl_file file;
static struct model procs[2];
static uint32_t seed = 24;

static uint32_t any(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)seed * n >> 32);
}

static void cut(uint32_t size)
{
    uint32_t old = file.size;

    file.size = size;
    for (int p = 0; p < 2; p++) {
        nl_cut(&procs[p].table, &file, size);
        for (uint32_t i = 0; i < 512; i++)
            procs[p].parked[i] &= procs[p].number[i] < size;
    }
    for (uint32_t page = size; page < old; page++)
        if (file.frame[page]) {
            file.page[file.frame[page]] = UINT32_MAX; /* nobody may ask any more */
            file.free[file.nfree++] = file.frame[page];
            file.frame[page] = 0;
        }
}

/* All that the table says is what the model says. */
static void compare(const struct model *m, uint32_t first)
{
    for (uint32_t i = 0; i < 512; i++) {
        uint64_t word = m->table.entry[i];

        EQ(nl_page(&m->table, &file, i), m->number[i]);
        if (word & 1) {
            CHECK(!m->parked[i]);
            EQ(word >> 12, file.frame[m->number[i]]);
        } else if (m->number[i] == first + i && !m->parked[i]) {
            EQ(word, 0);
        }
    }
}

static void touch(struct model *m, uint32_t i)
{
    uint32_t frame = nl_touch(&m->table, &file, i), page = m->number[i];

    if (page >= file.size) {
        EQ(frame, 0);
        CHECK(!(m->table.entry[i] & 1));
        return;
    }
    m->parked[i] = false; /* the rights are there again by then */
    EQ(frame, file.frame[page]);
    EQ(m->table.entry[i] >> 12, frame);
    CHECK(m->table.entry[i] & 1);
}

static void step(uint32_t first)
{
    struct model *m = &procs[any(2)];
    uint32_t i = any(512), what = any(100);

    if (what < 30) {
        touch(m, i);
    } else if (what < 60) {
        m->number[i] = any(4) ? any(MOST) : first + i;
        m->parked[i] = false;
        nl_remap(&m->table, &file, i, m->number[i]);
    } else if (what < 75) {
        nl_drop(&m->table, &file, i);
        m->parked[i] = false;
    } else if (what < 90) {
        m->parked[i] |= m->table.entry[i] & 1;
        nl_park(&m->table, i);
    } else if (what < 98) {
        nl_drop(&m->table, &file, i);
        m->parked[i] = false;
        touch(m, i);
    } else if (!any(10)) {
        cut(any(2) ? MOST : any(MOST));
    }
}

int main(void)
{
    uint32_t first = 100;

    CHECK(sizeof(struct nl) <= 512 * sizeof(uint64_t) + 16); /* there is no second list */
    file.size = MOST;
    for (uint32_t n = MOST; n; n--)
        file.free[file.nfree++] = n;
    nl_init(&procs[0].table, first);
    for (uint32_t i = 0; i < 512; i++) {
        procs[0].number[i] = first + i;
        EQ(procs[0].table.entry[i], 0);
    }
    for (uint32_t n = 0; n < 2000; n++) {
        uint32_t i = any(512);

        procs[0].number[i] = any(MOST);
        nl_remap(&procs[0].table, &file, i, procs[0].number[i]);
        touch(&procs[0], any(512));
    }
    memcpy(procs[1].number, procs[0].number, sizeof(procs[0].number));
    nl_fork(&procs[1].table, &procs[0].table, &file);
    for (uint32_t n = 0; n < 400000; n++) {
        step(first);
        if (n % 500 == 0)
            for (int p = 0; p < 2; p++)
                compare(&procs[p], first);
    }
    return 0;
}
