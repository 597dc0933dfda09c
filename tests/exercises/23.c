/* SPDX-License-Identifier: MIT
 *
 * runs: here lib/index.c lib/mixed.c
 * begun: lib/mixed.h mixed_add
 *
 * Random calls against a list of pages; allocations that fail; memory that is counted.
 */
#include "lib/grace.h"
#include "lib/mixed.h"
#include "tests/exercises/check.h"
#include "tests/exercises/one_cpu.h"

#define PAGES 4096u
#define BIG   16u /* small pages in a large one */

/* ---- what lib/index.c asks for ---- */

static unsigned nodes, fail_after = UINT32_MAX;

struct index_node *index_node_alloc(void)
{
    if (!fail_after)
        return NULL;
    fail_after--;
    nodes++;
    return calloc(1, sizeof(struct index_node));
}

void index_node_free(struct index_node *node)
{
    nodes--;
    free(node);
}

void grace_defer(struct grace_item *item, void (*fn)(struct grace_item *item))
{
    fn(item);
}

/* ---- the model: the memory of each page, 0: a hole ---- */

static struct mixed file;
static char *model[PAGES];
static bool large[PAGES];
static unsigned seed = 23, npages, given;

/* Memory for the pages is never touched, but where small pages become a large one. */
static char room[2 * PAGES][P] __attribute__((aligned(BIG * P)));
static unsigned users[2 * PAGES];

static unsigned any(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

static char *take(unsigned order)
{
    unsigned n = 1u << order, at;

    for (bool free = false; !free;) {
        at = any(2 * PAGES / n) * n;
        free = true;
        for (unsigned i = 0; i < n; i++)
            free &= !users[at + i];
    }
    for (unsigned i = 0; i < n; i++)
        users[at + i] = 1;
    npages += n;
    return room[at];
}

static void gone(char *memory, unsigned order)
{
    size_t at = (size_t)(memory - room[0]) / P;

    EQ((memory - room[0]) % (long)P, 0);
    CHECK(order == 0 || order == MIXED_ORDER);
    for (unsigned i = 0; i < 1u << order; i++) {
        EQ(users[at + i], 1);
        users[at + i] = 0;
    }
    npages -= 1u << order;
    given++;
}

static void compare(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        unsigned order = 77;
        char *memory = mixed_find(&file, i, &order);

        CHECK(memory == model[i]);
        if (memory)
            EQ(order, large[i] ? MIXED_ORDER : 0);
    }
}

/* ---- the calls ---- */

static void add(void)
{
    unsigned order = any(3) ? 0 : MIXED_ORDER, n = 1u << order, at = any(PAGES / n) * n,
             is;
    char *memory = take(order);
    bool there = false;

    for (unsigned i = 0; i < n; i++)
        there |= model[at + i] != NULL;
    fail_after = any(4) ? UINT32_MAX : 0;
    if (order)
        EQ(mixed_add(&file, at + 1 + any(BIG - 1), order, memory), -EINVAL);
    is = (unsigned)-mixed_add(&file, at, order, memory);
    CHECK(is == (there ? EEXIST : 0) || (is == ENOMEM && !fail_after && !there));
    fail_after = UINT32_MAX;
    if (is)
        gone(memory, order);
    for (unsigned i = 0; !is && i < n; i++) {
        model[at + i] = memory + i * P;
        large[at + i] = order;
    }
}

/* No memory is to be had here. */
static void split(void)
{
    unsigned at = any(PAGES);

    fail_after = 0;
    EQ(mixed_split(&file, at), model[at] && large[at] ? 0 : -ENOENT);
    fail_after = UINT32_MAX;
    for (unsigned i = 0; i < BIG; i++)
        large[at / BIG * BIG + i] = false;
}

static void join(void)
{
    unsigned at = any(PAGES / BIG) * BIG, small = 0;
    char *memory = take(MIXED_ORDER);

    for (unsigned i = 0; i < BIG; i++) {
        if (!model[at + i] || large[at + i])
            continue;
        snprintf(model[at + i], P, "page %u", at + i);
        small++;
    }
    fail_after = 0;
    given = 0;
    EQ(mixed_join(&file, at + any(BIG), memory, gone), small == BIG ? 0 : -ENOENT);
    fail_after = UINT32_MAX;
    EQ(given, small == BIG ? BIG : 0);
    if (small < BIG) {
        gone(memory, MIXED_ORDER);
        return;
    }
    for (unsigned i = 0; i < BIG; i++) {
        char want[20];

        snprintf(want, sizeof(want), "page %u", at + i);
        CHECK(strcmp(memory + i * P, want) == 0);
        model[at + i] = memory + i * P;
        large[at + i] = true;
    }
}

/* The file ends here: a large page that lies across the end loses its tail, and no memory is to be had. */
static void cut(unsigned from)
{
    if (from % BIG && from < PAGES && model[from] && large[from])
        for (unsigned i = 0; i < BIG; i++)
            large[from / BIG * BIG + i] = false;
    fail_after = 0;
    mixed_cut(&file, from, gone);
    fail_after = UINT32_MAX;
    for (unsigned i = from; i < PAGES; i++) {
        model[i] = NULL;
        large[i] = false;
    }
}

int main(void)
{
    for (unsigned turn = 0; turn < 60000; turn++) {
        unsigned what = any(100), there = 0;

        if (what < 60)
            add();
        else if (what < 80)
            split();
        else if (what < 99)
            join();
        else
            cut(any(PAGES));
        if (turn % 100)
            continue;
        compare();
        for (unsigned i = 0; i < PAGES; i++)
            there += model[i] != NULL;
        EQ(there, npages);
    }
    /* A block at which most is small: sixteen that become one. */
    cut(0);
    EQ(npages, 0);
    EQ(nodes, 0);
    return 0;
}
