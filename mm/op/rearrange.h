/* SPDX-License-Identifier: MIT
 *
 * A change of an arrangement under way: what remap_file_pages, remapv, swap and rotate share.
 * Check the mapping, reserve tables and arrays (the only step that can fail), set slots table by
 * table, settle once. M is held throughout: exclusively, or between mm_read_begin() and
 * mm_read_end() where nothing has to be reserved, trimmed, or paused for: tables and arrays do
 * not go away either way.
 */
#pragma once

#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/slot.h"

struct rearrange {
    struct mm *mm;
    struct vma *v;               /* the mapping being changed */
    struct object_cursor cursor; /* of the object last used; until the next pause */
    u32 run;                     /* pages set since the last look at the time */
    u32 most;                    /* of them, from rearrange_use */
    u64 pages;                   /* and before */
    bool lazy;    /* leave translations to faults, unless the memory is locked */
    bool install; /* put translations in place: of v, from rearrange_use */
    bool missing; /* some page could not be put in place */
    bool whole;   /* it is not interrupted: M is not held alone; few pages */
    pte_t rights; /* of v: a translation without its frame */
    const pte_t *directory; /* the table above the slots last used, and what it covers */
    vaddr_t covers;
    struct change change;
};

/* Pages set before it is time to look whether others shall run; LOGGED_RUN where some have logs. */
#define REARRANGE_RUN 2048u

void rearrange_begin(struct rearrange *r, struct mm *mm, bool lazy);

/* Flushes what was changed; before each pause, and before M is given up. */
void rearrange_flush(struct rearrange *r);

/* The slots of va and those nearby are found where slot_read() has just found va's. */
static inline void rearrange_near(struct rearrange *r)
{
    r->directory = this_cpu(vma_hint).directory;
    r->covers = this_cpu(vma_hint).covers;
}

/* M was given up after that: nothing found is remembered. */
static inline void rearrange_forget(struct rearrange *r)
{
    r->v = NULL;
    r->cursor = object_cursor(NULL);
    r->directory = NULL;
    r->covers = USER_END;
}

/* Why [start, end), not empty and in the user half, cannot be rearranged as a part of v (NULL:
 * nothing is mapped at start); 0: it can. The one predicate. -EINVAL: not inside one shared
 * mapping of an object, an attached segment, no whole pages; -EPERM: sealed. */
static inline int rearrange_check(const struct vma *v, vaddr_t start, vaddr_t end)
{
    if (!v || vma_kind(v) != VMA_SHARED || end > v->end)
        return -EINVAL;
    if (likely(!(v->flags & (VM_NOREMAP | VM_SEALED | VM_HUGE))))
        return 0;
    if ((v->flags & VM_NOREMAP) || (start | end) % vma_page_size(v))
        return -EINVAL;
    return v->flags & VM_SEALED ? -EPERM : 0;
}

/* Chooses v, which has been checked. */
static inline void rearrange_use(struct rearrange *r, struct vma *v)
{
    if (unlikely(r->v && (r->v->flags ^ v->flags) & VM_HUGE))
        r->covers = USER_END; /* the slots are in tables of another level */
    r->v = v;
    r->install = (!r->lazy || vm_populates(v->flags)) && (v->flags & VM_PROT) &&
                 likely(!(v->flags & VM_BY_FAULT));
    r->rights = pte_make_unused(v->rights);
    r->most = !r->whole && object_has_logs(v->object) ? LOGGED_RUN : REARRANGE_RUN;
}

/* Checks and chooses the mapping around [start, end). Errors as rearrange_check(). */
int must_check rearrange_find(struct rearrange *r, vaddr_t start, vaddr_t end);

static inline int must_check rearrange_vma(struct rearrange *r, vaddr_t start,
                                           vaddr_t end)
{
    REQUIRES(&r->mm->lock);
    const struct vma *v = r->v;

    if (likely(v && start - v->start < v->end - v->start))
        return unlikely(end > v->end) || unlikely((start | end) % vma_page_size(v))
                   ? -EINVAL
                   : 0;
    return rearrange_find(r, start, end);
}

/* As slot_at(); the next one nearby costs one load. rearrange_undo forgets what is remembered. */
const pte_t *rearrange_directory(struct rearrange *r, vaddr_t va, unsigned order);

static always_inline struct slot rearrange_slot(struct rearrange *r, vaddr_t va,
                                                unsigned order)
{
    unsigned i = slot_index(va, order);
    pte_t e;

    if (unlikely(va - r->covers >= pt_span(slot_level(order) + 2)) &&
        !rearrange_directory(r, va, order))
        return (struct slot){NULL, NULL, i};
    e = pte_load(r->directory + pt_index(va, slot_level(order) + 1));
    if (unlikely(!pte_present(e)))
        return (struct slot){NULL, NULL, i};
    return (struct slot){pfn_to_page(pte_pfn(e)), (pte_t *)phys_to_virt(e & PTE_ADDR) + i,
                         i};
}

/* Makes the tables and arrays of [start, end) of v. -ENOMEM, -EINTR (killed): a part may be
 * made. */
int must_check rearrange_reserve(struct rearrange *r, vaddr_t start, vaddr_t end);

/* Makes the numbers that are there writable: all come home. Errors as rearrange_reserve(). */
int must_check rearrange_thaw(struct rearrange *r, vaddr_t start, vaddr_t end);

/* Frees the arrays without numbers. */
void rearrange_trim(struct rearrange *r, vaddr_t start, vaddr_t end);

/* After a failed reservation: frees the empty tables as well. */
void rearrange_undo(struct rearrange *r, vaddr_t start, vaddr_t end);

/* The cursor is for v's object from now on. */
static inline void rearrange_aim(struct rearrange *r)
{
    if (unlikely(r->cursor.object != r->v->object)) {
        if (r->cursor.object)
            object_changed(r->cursor.object);
        r->cursor = object_cursor(r->v->object);
    }
}

/* Pauses; after few pages, if it is time. */
void rearrange_pause(struct rearrange *r);

/* Before the next `npages` pages of v are set. With r->most of them since the last time it may
 * pause. */
static inline void rearrange_next(struct rearrange *r, u32 npages)
{
    if (unlikely(object_has_logs(r->v->object)) && !r->whole)
        r->most = LOGGED_RUN; /* perhaps since a moment ago */
    if (unlikely(r->run >= r->most))
        rearrange_pause(r);
    rearrange_aim(r);
    r->run += npages;
}

/* Makes n slots from s at va on show the file page pgoff, away, and those that follow it; with
 * `home` all their homes. Translations of `pages`, what they shall show, are put in place
 * (NULL: none is); what cannot be is left to a fault. `linked`: a run of backlinks lies over them.
 * Cannot fail. T held, after change_look(), N of the pages too; arrays are reserved unless they come
 * home. */
static always_inline void rearrange_run(struct rearrange *r, struct slot s, vaddr_t va,
                                        unsigned n, bool home, pgoff_t pgoff,
                                        void *const *pages, bool linked, struct tally *t,
                                        unsigned order)
{
    REQUIRES(&s.table->lock);
    struct change *c = &r->change;
    u32 *numbers = slot_numbers(s.table, s.i, home);
    pte_t rights = r->rights;

    for (u64 k = 0; k < n; k++) {
        bool moved = slot_move(numbers, k, home, pgoff + (k << order), t);
        struct page *pg;
        pte_t old;

        if (!moved && !pages)
            continue;
        old = pte_load(&s.entry[k]);
        if (!moved && old) /* shows that page already */
            continue;
        pg = pages ? pages[k] : NULL;
        if (likely(pg) && likely(slot_show(c, &s.entry[k], va + k * slot_size(order), old,
                                           pg, rights, !home && !linked, t)))
            continue;
        if (pages)
            r->missing = true;
        if (old)
            slot_clear(c, &s.entry[k], va + k * slot_size(order), old, t);
    }
}

/* The same with the choices as constants. */
static always_inline void rearrange_slots(struct rearrange *r, struct slot s, vaddr_t va,
                                          unsigned n, bool home, pgoff_t pgoff,
                                          void *const *pages, bool linked,
                                          struct tally *t, unsigned order)
{
    REQUIRES(&s.table->lock);
    change_look(&r->change, s.table);
    if (linked)
        rearrange_run(r, s, va, n, false, pgoff, pages, true, t, order);
    else if (likely(!home) && likely(pages))
        rearrange_run(r, s, va, n, false, pgoff, pages, false, t, order);
    else if (!home)
        rearrange_run(r, s, va, n, false, pgoff, NULL, false, t, order);
    else if (pages)
        rearrange_run(r, s, va, n, true, 0, pages, false, t, order);
    else
        rearrange_run(r, s, va, n, true, 0, NULL, false, t, order);
}

/* One slot, the file page pgoff. T held, after rearrange_next(). */
static always_inline void rearrange_page(struct rearrange *r, struct slot s, vaddr_t va,
                                         u32 pgoff, struct tally *t, unsigned order)
{
    REQUIRES(&s.table->lock);
    void *pg = r->install ? object_cursor_get(&r->cursor, pgoff) : NULL;

    rearrange_slots(r, s, va, 1, unlikely(pgoff == vma_home(r->v, va)), pgoff,
                    likely(r->install) ? &pg : NULL, false, t, order);
    object_cursor_release(&r->cursor);
}

/* Makes [start, end) of v show the file pages from pgoff on: all of them away, reserved, or
 * all at home. */
void rearrange_range(struct rearrange *r, vaddr_t start, vaddr_t end, pgoff_t pgoff);

/* The counters, the flush. */
void rearrange_end(struct rearrange *r);
