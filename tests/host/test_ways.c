/* SPDX-License-Identifier: MIT
 *
 * Rights of private memory changed by the way to a whole table: values and rights by a model,
 * with forks, holes and other rights in between.
 */
#include "mm/op/fork.h"
#include "mm/vm/lend.h"
#include "mm/vm/slot.h"
#include "tests/host/mmtest.h"

#define TABLES 4u
#define PAGES \
    (TABLES * PT_ENTRIES - 100u) /* nothing lies above, in the middle of a table */
#define NOTHING 0xffu            /* in place of rights: not mapped */

struct world {
    struct mm *mm;
    u32 value[PAGES]; /* 0: as new */
    u8 prot[PAGES];
};

static enum fault_result access(struct world *w, u32 page, u32 kind)
{
    return t_try(w->mm, BASE + page * P, kind);
}

static void look(struct world *w, u32 page)
{
    if (w->prot[page] == NOTHING)
        CHECK_EQ(access(w, page, FAULT_READ), FAULT_MAPERR);
    else if (!(w->prot[page] & PROT_READ))
        CHECK_EQ(access(w, page, FAULT_READ), FAULT_ACCERR);
    else
        CHECK_EQ(host_read_u32(w->mm, BASE + page * P), w->value[page]);
}

static void store(struct world *w, u32 page)
{
    static u32 number;

    if (w->prot[page] == NOTHING || !(w->prot[page] & PROT_WRITE)) {
        if (w->prot[page] == NOTHING)
            return look(w, page);
        CHECK_EQ(access(w, page, FAULT_WRITE), FAULT_ACCERR);
        return;
    }
    host_write_u32(w->mm, BASE + page * P, ++number);
    w->value[page] = number;
}

/* A range, of whole tables every other time. */
static void choose(u32 *first, u32 *n)
{
    u32 unit = one_in(2) ? PT_ENTRIES : 1, total = (PAGES + unit - 1) / unit;

    *first = (u32)rnd_below(total);
    *n = 1 + (u32)rnd_below(MIN(total - *first, unit == 1 ? 700u : TABLES));
    *first *= unit;
    *n = MIN(*n * unit, PAGES - *first);
}

/* Pages from `first` on that are mapped, of n. */
static u32 mapped(const struct world *w, u32 first, u32 n)
{
    u32 i = 0;

    while (i < n && w->prot[first + i] != NOTHING)
        i++;
    return i;
}

static void step(struct world *w)
{
    static const u8 rights[] = {
        PROT_READ, PROT_READ, RW, RW, RW, PROT_NONE, PROT_READ | PROT_EXEC, RWX};
    u32 first, n, prot = rights[rnd_below(ARRAY_SIZE(rights))];
    vaddr_t va;

    choose(&first, &n);
    va = BASE + first * P;
    switch (rnd_below(20)) {
    case 0:
        CHECK_EQ(mm_madvise(w->mm, va, n * P, MADV_DONTNEED),
                 mapped(w, first, n) == n ? 0 : -ENOMEM);
        memset(w->value + first, 0, n * sizeof(*w->value));
        break;
    case 1:
        t_anon(w->mm, va, n, prot);
        memset(w->value + first, 0, n * sizeof(*w->value));
        memset(w->prot + first, (int)prot, n);
        break;
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
        CHECK_EQ(mm_mprotect(w->mm, va, n * P, prot),
                 mapped(w, first, n) == n ? 0 : -ENOMEM);
        memset(w->prot + first, (int)prot, mapped(w, first, n));
        break;
    case 7:
        if (one_in(2)) { /* mostly it comes back */
            CHECK_EQ(mm_munmap(w->mm, va, n * P), 0);
            memset(w->value + first, 0, n * sizeof(*w->value));
            memset(w->prot + first, NOTHING, n);
        }
        break;
    default:
        for (u32 i = 0; i < 12; i++) {
            u32 page = first + (u32)rnd_below(n); /* other tables stay lent for long */

            if (one_in(2))
                store(w, page);
            else
                look(w, page);
        }
    }
}

TEST(rights_of_whole_tables)
{
    static struct world parent, child;

    parent = (struct world){.mm = t_mm()};
    child = (struct world){NULL};
    t_anon(parent.mm, BASE, PAGES, RW);
    memset(parent.prot, RW, sizeof(parent.prot));
    for (int i = 0; i < 20000; i++) {
        if (!child.mm && one_in(100)) {
            child = parent;
            CHECK_EQ(mm_fork(parent.mm, &child.mm), 0);
        } else if (child.mm && one_in(100)) {
            t_end(child.mm);
            child.mm = NULL;
        }
        step(child.mm && one_in(2) ? &child : &parent);
        if (i % 20)
            continue;
        t_check(parent.mm);
        if (child.mm)
            t_check(child.mm);
    }
    for (u32 i = 0; i < PAGES; i++)
        look(&parent, i);
    t_end(parent.mm);
    if (child.mm)
        t_end(child.mm);
}

/* The entries keep the right: after it comes back nothing faults. */
TEST(the_right_to_write_comes_back_at_once)
{
    struct mm *mm = t_mm();
    u64 free, faults;

    t_anon(mm, BASE, 2 * PT_ENTRIES, RW);
    for (u32 i = 0; i < 2 * PT_ENTRIES; i++)
        host_write_u32(mm, BASE + i * P, i);
    CHECK_EQ(mm_mprotect(mm, BASE, PT_ENTRIES * P, PROT_READ), 0);
    t_check(mm);
    CHECK_EQ(mm->lent, 1);
    CHECK_EQ(t_try(mm, BASE + 7 * P, FAULT_WRITE), FAULT_ACCERR);
    CHECK_EQ(host_read_u32(mm, BASE + 7 * P), 7);
    free = page_count_free();
    CHECK_EQ(mm_mprotect(mm, BASE, PT_ENTRIES * P, RW), 0);
    CHECK_EQ(mm->lent, 0);
    CHECK_EQ(page_count_free(), free);
    faults = mm_stat_sum(MM_STAT_fault_reuse);
    for (u32 i = 0; i < PT_ENTRIES; i++)
        host_write_u32(mm, BASE + i * P, 1000 + i);
    CHECK_EQ(mm_stat_sum(MM_STAT_fault_reuse), faults);
    t_end(mm);
}
