/* SPDX-License-Identifier: MIT
 *
 * remapv: a vector of remaps, in order, with one flush. An atomic vector is checked and
 * reserved as a whole before its first change; else each entry is, and the first that fails
 * ends the call. Single pages in tables with arrays, as most are, take the VMA to be read only;
 * from the first other entry on M is held exclusively.
 *
 * The kernel's copy of the vector remembers in `flags` what a later pass needs to know.
 */
#include "lib/uapi/errno.h"
#include "lib/uapi/remap.h"
#include "mm/call/calls.h"
#include "mm/op/fault.h"
#include "mm/op/populate.h"
#include "mm/op/rearrange.h"

#define ENTRY_HOME    1u /* brings its pages home */
#define ENTRY_MISSING 2u /* a page was not in memory */

static inline vaddr_t entry_end(const struct remap_vec *e)
{
    return e->addr + ((u64)e->npages << PAGE_SHIFT);
}

/* Chooses r->v and sets ENTRY_HOME. -EINVAL, -EPERM, -ENXIO. */
static int check_entry(struct rearrange *r, struct remap_vec *e, u32 flags)
{
    u64 size = (u64)e->npages << PAGE_SHIFT;
    int err;

    if (e->flags || !e->npages || e->addr % PAGE_SIZE || size > USER_END ||
        e->addr > USER_END - size)
        return -EINVAL;
    if (e->pgoff > OBJECT_MAX_PAGES || e->npages > OBJECT_MAX_PAGES - e->pgoff)
        return -EINVAL;
    err = rearrange_vma(r, e->addr, e->addr + size);
    if (err)
        return err;
    if ((e->pgoff << PAGE_SHIFT) % vma_page_size(r->v))
        return -EINVAL;
    if ((flags & RM_CHECK) && e->pgoff + e->npages > object_npages(r->v->object))
        return -ENXIO;
    if (e->pgoff == vma_home(r->v, e->addr))
        e->flags = ENTRY_HOME;
    return 0;
}

/* Tables and arrays for an entry. */
static int reserve_entry(struct rearrange *r, const struct remap_vec *e)
{
    if (e->flags & ENTRY_HOME)
        return rearrange_thaw(r, e->addr, entry_end(e));
    if (likely(e->npages == 1) &&
        likely(away_writable(rearrange_slot(r, e->addr, 0).table)))
        return 0;
    return rearrange_reserve(r, e->addr, entry_end(e));
}

/* The common entry: one page of the mapping and object at hand, whose table and array are
 * there. False: it is something else, or not right. */
static always_inline bool commit_single(struct rearrange *r, struct remap_vec *e,
                                        u32 flags)
{
    const struct vma *v = r->v;
    vaddr_t va = e->addr;
    struct tally t = {0, 0};
    struct slot s;

    if (unlikely((e->npages ^ 1) | e->flags | va % PAGE_SIZE) ||
        unlikely(!v || v->object != r->cursor.object || r->run >= r->most) ||
        unlikely(va - v->start >= v->end - v->start || e->pgoff >= OBJECT_MAX_PAGES) ||
        unlikely(((flags & RM_CHECK) && e->pgoff >= object_npages(v->object)) ||
                 vma_order(v)))
        return false;
    s = rearrange_slot(r, va, 0);
    if (unlikely(!away_writable(s.table)))
        return false;
    r->run++;
    spin_lock(&s.table->lock);
    rearrange_page(r, s, va, object_number(e->pgoff), &t, 0);
    slot_settle(&r->change, s.table, &t, RESIDENT_SHMEM, 0);
    if (unlikely(!s.table->naway))
        e->flags = ENTRY_HOME;
    spin_unlock(&s.table->lock);
    if (unlikely(r->missing)) {
        r->missing = false;
        if (r->install)
            e->flags |= ENTRY_MISSING;
    }
    return true;
}

/* Sets the pages of an entry of r->v. Cannot fail. */
static noinline void commit_entry(struct rearrange *r, struct remap_vec *e)
{
    rearrange_range(r, e->addr, entry_end(e), e->pgoff);
    if (r->missing && r->install)
        e->flags |= ENTRY_MISSING;
    r->missing = false;
}

/* The entries one after the other; how many, and in *err why the next was not done. */
static size_t in_order(struct rearrange *r, struct remap_vec *v, size_t n, u32 flags,
                       int *err)
{
    for (size_t i = 0; i < n; i++) {
        if (likely(commit_single(r, &v[i], flags)))
            continue;
        *err = check_entry(r, &v[i], flags);
        if (*err)
            return i;
        *err = reserve_entry(r, &v[i]);
        if (*err) {
            rearrange_undo(r, v[i].addr, entry_end(&v[i]));
            return i;
        }
        commit_entry(r, &v[i]);
    }
    return n;
}

/* Undoes the reservations of the first n entries, the last of which may be incomplete. */
static void undo_entries(struct rearrange *r, const struct remap_vec *v, size_t n)
{
    while (n--) {
        int err = rearrange_vma(r, v[n].addr, entry_end(&v[n]));

        ASSERT(err == 0);
        if (!(v[n].flags & ENTRY_HOME))
            rearrange_undo(r, v[n].addr, entry_end(&v[n]));
    }
}

/* All entries or none. */
static size_t all_or_none(struct rearrange *r, struct remap_vec *v, size_t n, u32 flags,
                          int *err)
{
    for (size_t i = 0; i < n; i++) {
        *err = check_entry(r, &v[i], flags);
        if (*err) {
            undo_entries(r, v, i);
            return 0;
        }
        *err = reserve_entry(r, &v[i]);
        if (*err) {
            undo_entries(r, v, i + 1);
            return 0;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (likely(commit_single(r, &v[i], 0)))
            continue;
        *err = rearrange_vma(r, v[i].addr, entry_end(&v[i]));
        ASSERT(*err == 0);
        commit_entry(r, &v[i]);
    }
    return n;
}

/* Arrays are freed only now: a later entry may have needed what an earlier one emptied. */
static void finish(struct rearrange *r, const struct remap_vec *v, size_t done)
{
    for (size_t i = 0; i < done; i++) {
        if (likely(!v[i].flags))
            continue;
        if ((v[i].flags & ENTRY_HOME) &&
            rearrange_vma(r, v[i].addr, entry_end(&v[i])) == 0)
            rearrange_trim(r, v[i].addr, entry_end(&v[i]));
        if (v[i].flags & ENTRY_MISSING)
            (void)fault_populate(r->mm, v[i].addr, entry_end(&v[i]));
    }
}

/* ---- with the VMAs read only ---- */

/* Chooses the mapping around a single page; false: it is something else, or not right. */
static bool choose(struct rearrange *r, const struct remap_vec *e)
{
    struct vma *v = r->v;

    if (!v || e->addr - v->start >= v->end - v->start) {
        v = vma_read(r->mm, e->addr);
        if (e->addr % PAGE_SIZE || rearrange_check(v, e->addr, e->addr + PAGE_SIZE) != 0)
            return false;
        rearrange_use(r, v);
    }
    rearrange_aim(r);
    return true;
}

/* Whether commit_single() will do this entry. */
static bool ready(struct rearrange *r, const struct remap_vec *e, u32 flags)
{
    return e->npages == 1 && !e->flags && e->addr % PAGE_SIZE == 0 && choose(r, e) &&
           !vma_order(r->v) && e->pgoff < OBJECT_MAX_PAGES &&
           (!(flags & RM_CHECK) || e->pgoff < object_npages(r->v->object)) &&
           away_writable(rearrange_slot(r, e->addr, 0).table);
}

/* The entries that can be done between mm_read_begin() and mm_read_end(), from the first on;
 * of an atomic vector all or none. How many. */
static size_t read_only(struct rearrange *r, struct remap_vec *v, size_t n, u32 flags)
{
    u32 asks = flags & RM_ATOMIC ? 0 : flags;

    for (size_t i = 0; flags & RM_ATOMIC && i < n; i++)
        if (!ready(r, &v[i], flags) || n > r->most)
            return 0;
    r->whole = flags & RM_ATOMIC;
    r->most = r->whole ? REARRANGE_RUN : r->most;
    for (size_t i = 0; i < n; i++) {
        if (likely(commit_single(r, &v[i], asks)))
            continue;
        if (!choose(r, &v[i]) || !commit_single(r, &v[i], asks))
            return i;
    }
    return n;
}

/* Whether finish() has something to do. */
static bool unfinished(const struct remap_vec *v, size_t n)
{
    u32 flags = 0;

    for (size_t i = 0; i < n; i++)
        flags |= v[i].flags;
    return flags;
}

ssize_t mm_remapv(struct mm *mm, struct remap_vec *v, size_t n, u32 flags)
{
    struct rearrange r;
    size_t done = 0;
    int err = 0;

    if (n <= REARRANGE_RUN && likely(mm_read_begin(mm))) {
        rearrange_begin(&r, mm, flags & RM_NOPOPULATE);
        done = read_only(&r, v, n, flags);
        r.whole = false;
        rearrange_flush(&r);
        rearrange_forget(&r);
        mm_read_end(mm);
        if (likely(done == n) && likely(!unfinished(v, n))) {
            rearrange_end(&r);
            return (ssize_t)n;
        }
        mm_lock(mm);
    } else {
        mm_lock(mm);
        rearrange_begin(&r, mm, flags & RM_NOPOPULATE);
    }
    if (flags & RM_ATOMIC && done < n)
        done = all_or_none(&r, v, n, flags, &err);
    else if (done < n)
        done += in_order(&r, v + done, n - done, flags, &err);
    rearrange_end(&r);
    finish(&r, v, done);
    mm_unlock(mm);
    return done ? (ssize_t)done : err;
}
