/* SPDX-License-Identifier: MIT
 *
 * Pages from a monitor, and guards. M is held exclusively where a guard may change, so that a
 * fault that has looked for one may rely on what it saw; pages alone come with M shared, as faults
 * bring them.
 */
#include "mm/op/provide.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/op/area.h"
#include "mm/phys/buddy.h"
#include "mm/vm/huge.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/slot.h"

/* Why v, at the start of what is to be provided up to `end`, does not allow it; 0. */
static int check(const struct vma *v, vaddr_t end, u32 how, bool object)
{
    if (!v || !v->monitor || end > v->end)
        return -ENOENT;
    if (end % vma_page_size(v))
        return -EINVAL;
    if (READ_ONCE(v->monitor->changing))
        return -EAGAIN;
    if ((how & PROVIDE_GUARDED) && !(v->flags & VM_ASK_WRITE))
        return -EINVAL;
    return object && !v->object ? -EINVAL : 0;
}

int mm_provide_check(struct mm *mm, vaddr_t start, vaddr_t end, u32 how, bool object,
                     u64 *size)
{
    const struct vma *v;
    int err;

    mm_lock_shared(mm);
    v = vma_at(mm, start);
    err = check(v, end, how, object);
    if (!err) {
        *size = vma_page_size(v);
        err = start % *size ? -EINVAL : 0;
    }
    mm_unlock_shared(mm);
    return err;
}

/* Sets or clears the guard of va, where M is exclusive if there may be one. */
static int set_guard(const struct vma *v, vaddr_t va, u32 how)
{
    if (!(v->flags & VM_ASK_WRITE))
        return 0;
    if (how & PROVIDE_GUARDED)
        return monitor_guard(v->monitor, va, va + vma_page_size(v));
    monitor_unguard(v->monitor, va, va + vma_page_size(v));
    return 0;
}

/* After a failure. */
static int no_guard(const struct vma *v, vaddr_t va, u32 how, int err)
{
    if (how & PROVIDE_GUARDED)
        monitor_unguard(v->monitor, va, va + vma_page_size(v));
    return err;
}

static pte_t rights_of(const struct vma *v, u32 how)
{
    return how & PROVIDE_GUARDED ? v->rights & ~PTE_WRITE : v->rights;
}

/* The slot of va, which shows nothing, guarded as `how` says. -ENOMEM, -EEXIST. */
static int empty_slot(struct vma *v, vaddr_t va, u32 how, struct slot *s)
{
    *s = slot_make(v->mm, va, vma_order(v));
    if (!s->table)
        return -ENOMEM;
    return pte_load(s->entry) ? -EEXIST : set_guard(v, va, how);
}

/* The page, or NULL for zeros, goes into the empty slot s of va, if that still is. */
static int own(struct vma *v, vaddr_t va, struct slot s, struct page *pg, pte_t rights)
{
    unsigned order = vma_order(v);
    struct change c;
    int err = 0;

    change_begin(&c, v->mm);
    spin_lock(&s.table->lock);
    if (pte_load(s.entry)) {
        err = -EEXIST;
    } else if (v->object && vma_home(v, va) >= object_npages(v->object)) {
        err = -EFAULT;
    } else {
        if (pg) {
            pg->type = PAGE_ANON;
            if (v->flags & VM_HUGE_OWNER)
                huge_ops->owned(v, pg);
            slot_own(v->mm, s, pg, rights, order);
        } else {
            slot_show_zero(s, rights & ~PTE_WRITE);
        }
        if (!(v->flags & VM_PROT)) /* it is parked */
            slot_protect(&c, v, s.table, s.i, s.i + 1);
    }
    spin_unlock(&s.table->lock);
    change_end(&c);
    return err;
}

/* The same with a copy of the block src, drawn from what was promised. */
static int own_block(struct vma *v, vaddr_t va, struct slot s, const struct page *src,
                     pte_t rights)
{
    spinlock_t *lock = huge_lock_of(HUGE_SLOT, v->mm, va / HUGE_SIZE);
    struct page *pg;
    int err = -ENOMEM;

    SCOPED_LOCK(lock);
    if (pte_load(s.entry))
        return -EEXIST;
    pg = huge_alloc_copy(NULL, 0, v, v->flags & VM_HUGE_OWNER, src);
    if (pg) {
        pg->type = PAGE_ANON;
        err = own(v, va, s, pg, rights);
        if (err)
            page_put(pg);
    }
    return err;
}

static int provide_private(struct vma *v, vaddr_t va, struct page *pg, u32 how)
{
    struct slot s;
    int err = empty_slot(v, va, how, &s);

    if (err)
        return err;
    err = vma_order(v) ? own_block(v, va, s, pg, rights_of(v, how))
                       : own(v, va, s, pg, rights_of(v, how));
    return err ? no_guard(v, va, how, err) : 0;
}

/* Shows the page of the object in the slot s of va. T held. */
static int show(struct vma *v, struct slot s, vaddr_t va, pte_t rights)
{
    REQUIRES(&s.table->lock);
    enum resident kind = vma_kind(v) == VMA_SHARED ? RESIDENT_SHMEM : RESIDENT_FILE;
    u32 number = slot_number(s.table, s.i);
    pgoff_t pgoff = slot_number_page(number, v, va);
    struct tally t = {0, 0};
    struct index_node *node;
    struct page *pg;
    int err = 0;

    if (pte_load(s.entry))
        return -EEXIST;
    if (pgoff >= object_npages(v->object))
        return -EFAULT;
    node = index_leaf(&v->object->pages, object_number(pgoff));
    if (!node)
        return -EFAULT;
    spin_lock(&node->lock);
    pg = node->slot[pgoff % INDEX_SLOTS];
    if (!pg)
        err = -EFAULT;
    else if ((v->flags & VM_PROT) &&
             !slot_show(NULL, s.entry, va, 0, pg, rights, number, &t))
        err = -ENOMEM;
    spin_unlock(&node->lock);
    slot_settle_one(v->mm, false, s.table, &t, kind, vma_order(v));
    return err;
}

static int show_page(struct vma *v, vaddr_t va, u32 how)
{
    pte_t rights = rights_of(v, how);
    struct slot s;
    int err = empty_slot(v, va, how, &s);

    if (err)
        return err;
    if (vma_kind(v) != VMA_SHARED)
        rights &= ~PTE_WRITE;
    spin_lock(&s.table->lock);
    err = show(v, s, va, rights);
    spin_unlock(&s.table->lock);
    object_changed(v->object);
    return err ? no_guard(v, va, how, err) : 0;
}

/* The object gets the page, and nothing else can fail from then on: no memory to show it leaves
 * that to a fault. */
static int insert(struct vma *v, vaddr_t va, struct page *pg, u32 how)
{
    struct vm_object *o = v->object;
    pgoff_t pgoff = mm_offset(v->mm, v, va);
    struct page *there = pgoff < object_npages(o) ? object_find_page(o, pgoff) : NULL;
    struct slot s;
    int err;

    if (there) {
        page_put(there);
        return -EEXIST;
    }
    err = set_guard(v, va, how);
    if (err)
        return err;
    err = vma_order(v) ? object_insert_block(o, pgoff, pg)
                       : object_insert_page(o, pgoff, pg);
    if (err)
        return no_guard(v, va, how,
                        err == -EEXIST  ? -EEXIST
                        : err == -ENXIO ? -EFAULT
                                        : -ENOMEM);
    s = slot_make(v->mm, va, vma_order(v));
    if (s.table) {
        spin_lock(&s.table->lock);
        (void)show(v, s, va, rights_of(v, how));
        spin_unlock(&s.table->lock);
        object_changed(o);
    }
    return 0;
}

static int provide_shared(struct vma *v, vaddr_t va, struct page *pg, u32 how)
{
    struct page *zeros = pg ? NULL : page_alloc_user(0, PA_ZERO);
    int err;

    if (!pg && !zeros)
        return -ENOMEM;
    err = insert(v, va, pg ? pg : zeros, how);
    if (err && zeros)
        page_free(zeros, 0);
    return err;
}

/* The same for both, with M as what is done needs it. */
static int provide(struct mm *mm, vaddr_t va, struct page *pg, u32 how, bool shown)
{
    unsigned order = how & PROVIDE_HUGE ? HUGE_ORDER : 0;
    struct vma *v = vma_at(mm, va);
    int err;

    if (v && vma_order(v) != order)
        return -ENOENT;
    err = check(v, va + slot_size(order), how, shown);
    if (err)
        return err;
    if (shown)
        return show_page(v, va, how);
    if (order && !pg)
        return -EINVAL;
    err = vma_kind(v) == VMA_SHARED ? provide_shared(v, va, pg, how)
                                    : provide_private(v, va, pg, how);
    if (order && !err)
        page_free(pg, order);
    return err;
}

static int provide_locked(struct mm *mm, vaddr_t va, struct page *pg, u32 how, bool shown)
{
    const struct vma *v;
    int err;

    mm_lock_shared(mm);
    v = vma_at(mm, va);
    if (!v || !(v->flags & VM_ASK_WRITE)) {
        err = provide(mm, va, pg, how, shown);
        mm_unlock_shared(mm);
        return err;
    }
    mm_unlock_shared(mm);
    mm_lock(mm);
    err = provide(mm, va, pg, how, shown);
    mm_unlock(mm);
    return err;
}

int mm_provide(struct mm *mm, vaddr_t va, struct page *pg, u32 how)
{
    return provide_locked(mm, va, pg, how, false);
}

int mm_provide_shown(struct mm *mm, vaddr_t va, u32 how)
{
    return provide_locked(mm, va, NULL, how, true);
}

/* ---- guards ---- */

/* No entry of v in the range gives the right to write any more. */
static void narrow(struct vma *v, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    unsigned order = vma_order(v);
    struct page *table;
    struct change c;

    if (!(v->flags & VM_PROT))
        return;
    change_begin(&c, v->mm);
    pt_for_each_table(v->mm, slot_level(order), start, end, va, next, table)
    {
        unsigned i = slot_index(va, order);

        spin_lock(&table->lock);
        change_look(&c, table);
        if (table->present)
            slot_protect(&c, v, table, i, i + slot_count(va, next, order));
        change_mark(&c, table);
        spin_unlock(&table->lock);
        change_pause(&c);
    }
    change_end(&c);
}

/* Whether all that is mapped in the range, and something is, can be guarded by m. */
static bool guardable(struct mm *mm, const struct monitor *m, vaddr_t start, vaddr_t end)
{
    struct vma *v = vma_find(mm, start);

    if (!v || v->start >= end)
        return false;
    for (; v && v->start < end; v = vma_next(v)) {
        if (v->monitor != m || !(v->flags & VM_ASK_WRITE))
            return false;
        pause_anyway();
    }
    return true;
}

int mm_guard(struct mm *mm, struct monitor *m, vaddr_t start, vaddr_t end, bool on)
{
    SCOPED_LOCK(&mm->lock);
    vaddr_t at = start;
    int err = 0;

    if (READ_ONCE(m->changing))
        return -EAGAIN;
    if (!guardable(mm, m, start, end))
        return -ENOENT;
    if (area_cuts_page(mm, start, end))
        return -EINVAL;
    if (!on) {
        monitor_unguard(m, start, end);
        return 0;
    }
    /* What several address spaces have cannot be narrowed. */
    err = lend_own_range(mm, start, end);
    if (!err)
        err = monitor_guard(m, start, end);
    if (err)
        return err;
    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v)) {
        if (at < v->start)
            monitor_unguard(m, at, v->start);
        narrow(v, MAX(v->start, start), MIN(v->end, end));
        at = v->end;
        pause_anyway();
    }
    if (at < end)
        monitor_unguard(m, at, end);
    return 0;
}
