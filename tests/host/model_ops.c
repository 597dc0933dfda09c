/* SPDX-License-Identifier: MIT
 *
 * The model's operations: choice, helpers, and those on accesses and objects.
 */
#include "tests/host/model_ops.h"
#include "lib/string.h"
#include "mm/op/access.h"
#include "mm/phys/buddy.h"
#include <stdarg.h>
#include <stdio.h>

void op_note(const char *fmt, ...)
{
    va_list ap;

    if (!M.trace)
        return;
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

struct mmm *pick_mm(void)
{
    struct mmm *m;

    do {
        m = &M.mms[rnd(MMS)];
    } while (!m->mm);
    return m;
}

void pick_range(u32 *first, u32 *last)
{
    u32 n = (u32)(chance(6) ? 1 + rnd(64) : 1 + rnd(10));

    *first = (u32)rnd(M.win_pages - n + 1);
    if (M.wide) {
        *first = pick_border(*first);
        n = pick_length(*first, n);
    }
    *last = *first + n;
}

u32 pick_length(u32 first, u32 n)
{
    if (M.wide && !chance(4)) {
        n = (u32)(1 + rnd(3)) * PT_ENTRIES;
        if (chance(4)) /* just more, or less, than whole tables */
            n += (u32)rnd(7) - 3;
        else if (chance(4))
            n = (u32)(1 + rnd(2 * PT_ENTRIES));
    }
    return MAX(MIN(n, M.win_pages - first), 1u);
}

u32 pick_border(u32 page)
{
    u32 into = (u32)((win_va(page) >> PAGE_SHIFT) % PT_ENTRIES);

    return M.wide && !chance(3) && into <= page ? page - into : page;
}

u32 pick_page(const struct mmm *m)
{
    u32 page = 0;

    for (int i = 0; i < 4; i++) {
        page = pick_border((u32)rnd(M.win_pages));
        if (m->page[page].mapped && (!M.wide || m->page[page].flags & VM_SHARED))
            break;
    }
    return page;
}

int pick_object(void)
{
    int k = (int)rnd(OBJS);

    return M.obj[k].o ? k : (int)rnd(NAMED_OBJS);
}

u64 pick_bytes(void)
{
    static const u64 parts[] = {0, 0, 500, 2000, 4000};

    return rnd(M.obj_pages) * PAGE_SIZE + parts[rnd(ARRAY_SIZE(parts))];
}

static bool armed;

void inject(void)
{
    armed = chance(6);
    if (armed)
        alloc_fail_at(1 + rnd(6));
}

bool injected(int err)
{
    bool fired = armed && alloc_fail_left() == 0;

    armed = false;
    alloc_fail_at(0);
    if (!fired || err != -ENOMEM)
        return false;
    op_note("    (no memory)");
    model_resync();
    return true;
}

bool all_mapped(const struct mmm *m, u32 first, u32 last)
{
    while (first < last && m->page[first].mapped)
        first++;
    return first == last;
}

bool all_free(const struct mmm *m, u32 first, u32 last)
{
    while (first < last && !m->page[first].mapped)
        first++;
    return first == last;
}

bool find_gap(const struct mmm *m, u32 n, u32 *first)
{
    u32 room = 0;

    for (u32 i = M.win_pages; i-- > 0;) {
        room = m->page[i].mapped ? 0 : room + 1;
        if (room == n) {
            *first = i;
            return true;
        }
    }
    return false;
}

/* ---- accesses ---- */

void op_touch(void)
{
    struct mmm *m = pick_mm();
    u32 page = pick_page(m), w = (u32)rnd(WORDS), value = (u32)rng_next(&M.rng),
        have = value;
    u32 kind = chance(2) ? FAULT_WRITE : chance(8) ? FAULT_EXEC : FAULT_READ;
    struct mpage *p = &m->page[page];
    struct mpage before = *p;
    enum fault_result result, want;

    op_note("touch mm%d page %u word %u kind %u", (int)(m - M.mms), page, w, kind);
    inject();
    result = host_access(m->mm, win_va(page) + word_offset[w], &have, 4, kind);
    if (injected(result == FAULT_OOM ? -ENOMEM : 0)) {
        /* A write may have got as far as read access: the page is then as after a read. */
        return;
    }
    want = model_denies(p, kind) ? FAULT_KEY + (p->flags >> VM_KEY_SHIFT)
                                 : model_touch(p, kind);
    if (result != want)
        FAIL("fault %d, model %d (page %u was mapped %d)", result, want, page,
             before.mapped);
    if (result != FAULT_OK)
        return;
    if (kind == FAULT_WRITE) {
        if (page_kind(p) == VMA_SHARED)
            M.obj[p->obj].word[p->shown][w] = value;
        else
            p->word[w] = value;
        return;
    }
    value = p->priv ? p->word[w] : p->obj < 0 ? 0 : M.obj[p->obj].word[p->shown][w];
    if (have != value)
        FAIL("page %u reads %#x, model %#x", page, have, value);
}

void op_mm_access(void)
{
    struct mmm *m = pick_mm();
    u32 page = pick_page(m), w = (u32)rnd(WORDS), value = (u32)rng_next(&M.rng),
        have = value;
    bool write = chance(2);
    struct mpage *p = &m->page[page];
    bool ok = mm_access(m->mm, win_va(page) + word_offset[w], &have, 4,
                        write ? MM_WRITE : MM_READ) == 4;

    op_note("mm_access mm%d page %u word %u write %d", (int)(m - M.mms), page, w, write);
    EXPECT(ok, (write || (p->mapped && p->flags & VM_READ)) &&
                   model_touch(p, write ? FAULT_WRITE : FAULT_READ) == FAULT_OK);
    if (!ok)
        return;
    if (write && page_kind(p) == VMA_SHARED)
        M.obj[p->obj].word[p->shown][w] = value;
    else if (write)
        p->word[w] = value;
    else
        CHECK_EQ(have, p->priv      ? p->word[w]
                       : p->obj < 0 ? 0
                                    : M.obj[p->obj].word[p->shown][w]);
}

void op_cpu(void)
{
    host_run_on((u32)rnd(HOST_CPUS));
    mm_activate(pick_mm()->mm);
    op_note("cpu %u", host_cpu);
}

/* ---- objects ---- */

void op_file_io(void)
{
    struct mobj *o = &M.obj[pick_object()];
    u64 pgoff = rnd(M.obj_pages), end;
    u32 w = (u32)rnd(WORDS), value = (u32)rng_next(&M.rng), have;
    bool write = chance(2);
    struct page *pg;

    op_note("file %s obj%d page %llu word %u", write ? "write" : "read", (int)(o - M.obj),
            (unsigned long long)pgoff, w);
    if (!write) {
        pg = object_find_page(o->o, pgoff);
        EXPECT(pg != NULL, pgoff < mobj_npages(o) && o->resident[pgoff]);
        if (!pg)
            return;
        memcpy(&have, (char *)page_to_virt(pg) + word_offset[w], 4);
        page_put(pg);
        CHECK_EQ(have, o->word[pgoff][w]);
        return;
    }
    CHECK(object_get_page_extend(o->o, pgoff, &pg) == 0);
    memcpy((char *)page_to_virt(pg) + word_offset[w], &value, 4);
    page_put(pg);
    end = pgoff * PAGE_SIZE + word_offset[w] + 4;
    object_extend(o->o, end);
    o->size = MAX(o->size, end);
    o->resident[pgoff] = true;
    o->word[pgoff][w] = value;
}

static void zero_words(struct mobj *o, u64 start, u64 end)
{
    for (u64 pg = start / PAGE_SIZE; pg < M.obj_pages && pg * PAGE_SIZE < end; pg++)
        for (u32 w = 0; w < WORDS; w++) {
            u64 at = pg * PAGE_SIZE + word_offset[w];

            if (at >= start && at < end)
                o->word[pg][w] = 0;
        }
}

/* Private copies of file pages at or beyond the end go with them. */
static void drop_copies(int obj, u64 first)
{
    for (int k = 0; k < MMS; k++)
        for (u32 i = 0; M.mms[k].mm && i < M.win_pages; i++) {
            struct mpage *p = &M.mms[k].page[i];

            if (p->mapped && p->obj == obj && page_kind(p) == VMA_PRIVATE &&
                p->home >= first)
                p->priv = false;
        }
}

void op_resize(void)
{
    int obj = pick_object();
    struct mobj *o = &M.obj[obj];
    u64 size = pick_bytes(), first = (size + PAGE_SIZE - 1) / PAGE_SIZE;

    op_note("resize obj%d %llu -> %llu", obj, (unsigned long long)o->size,
            (unsigned long long)size);
    EXPECT(object_truncate(o->o, size), 0);
    if (size <= o->size) { /* what lies allocated behind the end goes, too */
        zero_words(o, size, M.obj_pages * PAGE_SIZE);
        for (u64 i = first; i < M.obj_pages; i++)
            model_drop_object_page(o, i);
        drop_copies(obj, first);
    }
    o->size = size;
}

void op_punch(void)
{
    int obj = pick_object();
    struct mobj *o = &M.obj[obj];
    u64 start = pick_bytes(), end = start + pick_bytes() / (1 + rnd(6));

    end = end % PAGE_SIZE < 500 ? end & PAGE_MASK : (end & PAGE_MASK) + 2000;
    op_note("punch obj%d %llu-%llu", obj, (unsigned long long)start,
            (unsigned long long)end);
    object_punch(o->o, start, end);
    if (start >= end)
        return;
    zero_words(o, start, end);
    for (u64 i = (start + PAGE_SIZE - 1) / PAGE_SIZE;
         i < M.obj_pages && i < end / PAGE_SIZE; i++)
        model_drop_object_page(o, i);
}

void op_allocate(void)
{
    int obj = pick_object();
    struct mobj *o = &M.obj[obj];
    u64 start = pick_bytes(),
        end = MIN(start + 1 + rnd(8 * PAGE_SIZE), M.obj_pages * PAGE_SIZE);
    int err;

    op_note("allocate obj%d %llu-%llu", obj, (unsigned long long)start,
            (unsigned long long)end);
    inject();
    err = object_allocate(o->o, start, end);
    if (err == -ENOSPC && armed && alloc_fail_left() == 0) {
        alloc_fail_at(0); /* must have taken back all of it: model_check looks */
        return;
    }
    alloc_fail_at(0);
    EXPECT(err, 0);
    for (u64 i = start / PAGE_SIZE; i < M.obj_pages && i * PAGE_SIZE < end; i++)
        o->resident[i] = true;
}

/* The running thread gives itself other rights; those of key 0 it keeps. */
static void op_keys(void)
{
    u32 rights = (u32)rng_next(&M.rng) & ~KEY_RIGHTS;

    op_note("keys %x", keys_on ? rights : 0);
    if (keys_on)
        arch_keys_store(chance(3) ? rights : 0);
}

/* ---- choice ---- */

void model_step(void)
{
    static const struct {
        u32 weight;
        void (*run)(void);
    } ops[] = {
        {40, op_touch},   {9, op_mmap},    {4, op_munmap},  {7, op_mprotect},
        {8, op_mremap},   {14, op_remap},  {4, op_resize},  {3, op_punch},
        {1, op_allocate}, {2, op_fork},    {2, op_exit},    {6, op_madvise},
        {4, op_mlock},    {3, op_mincore}, {4, op_file_io}, {4, op_mm_access},
        {3, op_cpu},      {5, op_remapv},  {3, op_swap},    {3, op_rotate},
        {2, op_clone},    {2, op_query},   {2, op_keys},
    };
    u32 total = 0;
    u64 pick;

    for (u32 i = 0; i < ARRAY_SIZE(ops); i++)
        total += ops[i].weight;
    pick = rnd(total);
    for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
        if (pick < ops[i].weight) {
            ops[i].run();
            return;
        }
        pick -= ops[i].weight;
    }
}
