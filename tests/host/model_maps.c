/* SPDX-License-Identifier: MIT
 *
 * The model's operations on mappings.
 */
#include "lib/string.h"
#include "tests/host/model_ops.h"

/* ---- mmap, munmap ---- */

struct new_map {
    u32 first, n;
    u32 flags; /* VM_* */
    int obj;   /* -1: anonymous private, -2: a new object */
    u64 pgoff;
};

static int new_object(struct mmm *m, const struct new_map *map)
{
    for (int i = NAMED_OBJS; i < OBJS; i++)
        if (!M.obj[i].o) {
            const struct vma *v = UNDER(&m->mm->lock, vma_at(m->mm, win_va(map->first)));

            M.obj[i] = (struct mobj){.o = v->object, .size = map->n * PAGE_SIZE};
            return i;
        }
    return -1;
}

static void apply_map(struct mmm *m, const struct new_map *map)
{
    int obj = map->obj == -2 ? new_object(m, map) : map->obj;

    for (u32 i = 0; i < map->n; i++) {
        struct mpage *p = &m->page[map->first + i];

        *p = (struct mpage){.mapped = true, .flags = map->flags, .obj = obj};
        p->home = p->shown =
            obj < 0 ? win_va(map->first + i) / PAGE_SIZE : map->pgoff + i;
    }
}

static bool object_slot_free(void)
{
    for (int i = NAMED_OBJS; i < OBJS; i++)
        if (!M.obj[i].o)
            return true;
    return false;
}

/* Chooses the place; the error the kernel must give, 1: not a case for the model. */
static int choose_place(struct mmm *m, struct mmap_args *a, struct new_map *map)
{
    u32 first, last;

    pick_range(&first, &last);
    map->first = first;
    map->n = last - first;
    a->len = (last - first) * PAGE_SIZE - (chance(4) ? rnd(PAGE_SIZE - 1) : 0);
    switch (rnd(8)) {
    case 0:
        a->flags |= MAP_FIXED_NOREPLACE;
        a->addr = win_va(first);
        return all_free(m, first, last) ? 0 : -EEXIST;
    case 1: /* a hint, not aligned */
        a->addr = win_va(first) + rnd(PAGE_SIZE);
        if (all_free(m, first, last))
            return 0;
        break;
    case 2:
        break;
    default:
        a->flags |= MAP_FIXED;
        a->addr = win_va(first);
        return 0;
    }
    return find_gap(m, map->n, &map->first) ? 0 : 1;
}

/* A descriptor that may write counts before and while it is mapped: a seal is refused then
 * (memfd_map_begin()). */
static void count_descriptor(struct vm_object *o, bool begin)
{
    SCOPED_LOCK(&o->lock);
    o->shared_writable += begin ? 1u : ~0u;
}

static int map_counted(struct mmm *m, const struct mmap_args *a, vaddr_t *out)
{
    struct vm_object *o = chance(4) ? NULL : a->object;
    int err;

    if (o)
        count_descriptor(o, true);
    err = mm_mmap(m->mm, a, out);
    if (o)
        count_descriptor(o, false);
    return err;
}

void op_mmap(void)
{
    struct mmm *m = pick_mm();
    struct new_map map = {.obj = -1};
    bool object = !chance(M.wide ? 4 : 2), shared = !chance(M.wide ? 5 : 3);
    struct mmap_args a = {.flags = (shared ? MAP_SHARED : MAP_PRIVATE) |
                                   (object ? 0 : MAP_ANONYMOUS),
                          .prot = chance(3) ? (u32)rnd(8) : PROT_READ | PROT_WRITE,
                          .max_prot = 7};
    vaddr_t out = 0;
    int want = choose_place(m, &a, &map), err;

    if (want == 1 || (shared && !object && !object_slot_free()))
        return;
    if (object) {
        map.obj = pick_object();
        map.pgoff = rnd(M.obj_pages + 4);
        a.object = M.obj[map.obj].o;
        a.offset = map.pgoff * PAGE_SIZE;
        if (chance(5))
            a.max_prot = PROT_READ | PROT_EXEC;
        a.prot &= a.max_prot;
    } else if (shared) {
        map.obj = -2;
    }
    a.flags |= chance(14) ? MAP_LOCKED : chance(6) ? MAP_POPULATE : 0;
    a.flags |= chance(16) ? MAP_NORESERVE : 0;
    map.flags = (a.prot == PROT_EXEC ? model_exec_rights() : a.prot) | a.max_prot << 4 |
                (shared ? VM_SHARED : 0) | (a.flags & MAP_LOCKED ? VM_LOCKED : 0) |
                (a.flags & MAP_NORESERVE ? VM_NORESERVE : 0);
    op_note("mmap mm%d page %u n %u flags %lx prot %x obj %d off %llu -> %d",
            (int)(m - M.mms), map.first, map.n, a.flags, a.prot, map.obj,
            (unsigned long long)map.pgoff, want);
    if (!(a.flags & (MAP_POPULATE | MAP_LOCKED)))
        inject();
    err = map_counted(m, &a, &out);
    if (injected(err))
        return;
    EXPECT(err, want);
    if (err)
        return;
    CHECK_EQ(out, win_va(map.first));
    model_unmap(m, map.first, map.first + map.n);
    apply_map(m, &map);
    if (a.flags & (MAP_POPULATE | MAP_LOCKED))
        (void)model_populate(m, map.first, map.first + map.n);
}

void op_munmap(void)
{
    struct mmm *m = pick_mm();
    u32 first, last;
    int err;

    pick_range(&first, &last);
    op_note("munmap mm%d %u-%u", (int)(m - M.mms), first, last);
    inject();
    err = mm_munmap(m->mm, win_va(first), (last - first) * PAGE_SIZE - rnd(100));
    if (injected(err))
        return;
    EXPECT(err, 0);
    model_unmap(m, first, last);
}

/* ---- mprotect ---- */

/* Whether mprotect brings this page in: locked private memory that gets writable. */
static bool gets_filled(const struct mpage *p, u32 prot)
{
    return p->mapped && vm_populates(p->flags) && !(p->flags & (VM_WRITE | VM_SHARED)) &&
           (prot & PROT_WRITE);
}

/* VM_RIGHTS of a page that had these flags. */
static u32 protected_rights(u32 had, u32 prot, int key)
{
    if (key != -1)
        return prot | (u32)key << VM_KEY_SHIFT;
    if (prot == PROT_EXEC && keys_on)
        return model_exec_rights();
    return prot | ((had & VM_RIGHTS) == model_exec_rights() ? 0 : had & VM_KEY);
}

void op_mprotect(void)
{
    struct mmm *m = pick_mm();
    bool fills = false;
    u32 first, last, stop, prot = chance(3) ? (u32)rnd(8) : PROT_READ | PROT_WRITE;
    int want = 0, err, key = keys_on && chance(2) ? (int)rnd(MODEL_KEYS) : -1;

    pick_range(&first, &last);
    op_note("mprotect mm%d %u-%u prot %x key %d", (int)(m - M.mms), first, last, prot,
            key);
    for (stop = first; stop < last && m->page[stop].mapped; stop++)
        if (prot & ~(m->page[stop].flags >> 4))
            want = -EACCES;
    if (!want && stop < last)
        want = -ENOMEM;
    for (u32 i = first; i < last; i++)
        fills |= gets_filled(&m->page[i], prot);
    if (!fills)
        inject();
    model_runs(m);
    err = mm_pkey_mprotect(m->mm, win_va(first), (last - first) * PAGE_SIZE, prot, key);
    if (want != -ENOMEM && injected(err))
        return;
    if (want == -ENOMEM && injected(err)) {
        /* The same errno for two reasons: see which it was by the first page. */
        const struct vma *v = UNDER(&m->mm->lock, vma_at(m->mm, win_va(first)));

        u32 had = m->page[first].flags, gets = protected_rights(had, prot, key);

        if (stop == first || (v->flags & VM_RIGHTS) != gets || (had & VM_RIGHTS) == gets)
            stop = first;
    }
    EXPECT(err, want);
    if (want == -EACCES)
        return;
    for (u32 i = first, end; i < stop; i = end) {
        bool fill = gets_filled(&m->page[i], prot);

        end = MIN(M.stop[i], stop);
        for (u32 k = i; k < end; k++) {
            struct mpage *p = &m->page[k];

            p->flags = (p->flags & ~VM_RIGHTS) | protected_rights(p->flags, prot, key);
            if (!prot)
                p->touched = p->priv; /* the zero page is let go */
        }
        if (fill)
            (void)model_populate(m, i, end);
    }
}

/* ---- remap_file_pages ---- */

void op_remap(void)
{
    struct mmm *m = pick_mm();
    u32 first = pick_page(m), n = (u32)(chance(3) ? 1 + rnd(24) : 1 + rnd(4));
    u32 flags = chance(2) ? MAP_NONBLOCK : 0;
    const struct mpage *p = &m->page[first];
    u64 pgoff = chance(4) ? p->home : rnd(M.obj_pages + 2);
    bool install;
    int err, want;

    n = pick_length(first, n);
    model_runs(m);
    want = p->mapped && page_kind(p) == VMA_SHARED && first + n <= M.stop[first]
               ? 0
               : -EINVAL;
    op_note("remap mm%d %u n %u -> file page %llu flags %x: %d", (int)(m - M.mms), first,
            n, (unsigned long long)pgoff, flags, want);
    install = want == 0 && (!(flags & MAP_NONBLOCK) || vm_populates(p->flags)) &&
              (p->flags & VM_PROT);
    if (!install)
        inject();
    err = mm_remap(m->mm, win_va(first) + rnd(PAGE_SIZE), n * PAGE_SIZE + rnd(PAGE_SIZE),
                   0, pgoff, flags);
    if (injected(err))
        return;
    EXPECT(err, want);
    if (err)
        return;
    for (u32 i = 0; i < n; i++)
        m->page[first + i].shown = pgoff + i;
    if (install)
        (void)model_populate(m, first, first + n);
}
