/* SPDX-License-Identifier: MIT
 *
 * Monitors: their life, and the set of guarded pages.
 */
#include "mm/vm/monitor.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"

#define WORD_SPAN  (64 * PAGE_SIZE)          /* what an entry of the index covers */
#define LEAF_WORDS (INDEX_SLOTS * WORD_SPAN) /* and a leaf of it */

void monitor_init(struct monitor *m, void (*release)(struct monitor *m))
{
    *m = (struct monitor){.refs = 1, .release = release};
    m->quota = quota_get(account_current()->files);
}

void monitor_put(struct monitor *m)
{
    if (__atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    monitor_unguard(m, 0, USER_END);
    ASSERT(!m->guards.root && !m->charged);
    quota_put(m->quota);
    m->release(m);
}

void vma_set_monitor(struct vma *v, struct monitor *m, u32 flags)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    ASSERT(!v->monitor || v->monitor == m);
    if (!v->monitor)
        monitor_get(m);
    v->monitor = m;
    v->flags = (v->flags & ~VM_MONITORED) | (flags & VM_MONITORED);
}

/* What the index takes onto the bill; false: that is too much. */
static bool settle(struct monitor *m)
{
    REQUIRES(&m->lock);
    u64 now = m->guards.nodes * sizeof(struct index_node);

    if (now > m->charged && !quota_charge_bytes(m->quota, now - m->charged))
        return false;
    if (now < m->charged)
        quota_uncharge_bytes(m->quota, m->charged - now);
    m->charged = now;
    return true;
}

/* The entry of va, and which of its pages lie in [start, end). */
static u32 word_of(vaddr_t va, vaddr_t start, vaddr_t end, u64 *mask)
{
    vaddr_t first = align_down(va, WORD_SPAN);
    u64 from = start > first ? (start - first) >> PAGE_SHIFT : 0;
    u64 to = end - first < WORD_SPAN ? (end - first) >> PAGE_SHIFT : 64;

    *mask = ~0ull >> (64 - (to - from)) << from;
    return (u32)(va / WORD_SPAN);
}

/* Room for all entries of [start, end): nodes without entries stay behind where it fails. */
static int reserve(struct monitor *m, vaddr_t start, vaddr_t end, vaddr_t *stop)
{
    for (vaddr_t va = start; va < end; va = (va | (LEAF_WORDS - 1)) + 1) {
        int err;

        *stop = va;
        spin_lock(&m->lock);
        err = index_reserve(&m->guards, (u32)(va / WORD_SPAN));
        if (!err && !settle(m)) {
            index_trim(&m->guards, (u32)(va / WORD_SPAN));
            err = -ENOMEM;
        }
        if (err && !settle(m))
            panic("nodes that are gone do not fit");
        spin_unlock(&m->lock);
        if (err)
            return err;
        if (pause_point())
            return -EINTR;
    }
    return 0;
}

/* Gives back what has no entry. */
static void undo(struct monitor *m, vaddr_t start, vaddr_t stop)
{
    for (vaddr_t va = start; va <= stop; va = (va | (LEAF_WORDS - 1)) + 1) {
        spin_lock(&m->lock);
        index_trim(&m->guards, (u32)(va / WORD_SPAN));
        if (!settle(m))
            panic("nodes that are gone do not fit");
        spin_unlock(&m->lock);
        pause_anyway();
    }
}

/* Where there is room. */
static void mark(struct monitor *m, vaddr_t start, vaddr_t end)
{
    int err = 0;

    for (vaddr_t va = start; va < end; va = (va | (WORD_SPAN - 1)) + 1) {
        u64 mask, old;
        u32 number = word_of(va, start, end, &mask);

        spin_lock(&m->lock);
        old = (u64)(uintptr_t)index_get(&m->guards, number);
        if (!old)
            err = index_set(&m->guards, number, (void *)(uintptr_t)mask);
        else
            WRITE_ONCE(index_leaf(&m->guards, number)->slot[number % INDEX_SLOTS],
                       (void *)(uintptr_t)(old | mask));
        ASSERT(!err);
        spin_unlock(&m->lock);
        pause_anyway();
    }
}

int monitor_guard(struct monitor *m, vaddr_t start, vaddr_t end)
{
    vaddr_t stop = start;
    int err = reserve(m, start, end, &stop);

    if (err)
        undo(m, start, stop);
    else
        mark(m, start, end);
    return err;
}

/* The next stretch of guarded pages of [*start, end), within an entry: *start and the result are its
 * ends; `end`, with *start there, is none. */
static vaddr_t next_guarded(struct monitor *m, vaddr_t *start, vaddr_t end)
{
    u32 number = (u32)(*start / WORD_SPAN);
    u64 bits, mask;
    vaddr_t first;

    if (*start >= end || !READ_ONCE(m->guards.root))
        number = (u32)(end / WORD_SPAN) + 1;
    for (; (vaddr_t)number * WORD_SPAN < end; number++) {
        spin_lock(&m->lock);
        bits = (u64)(uintptr_t)index_next(&m->guards, &number);
        spin_unlock(&m->lock);
        pause_anyway();
        if (!bits || (vaddr_t)number * WORD_SPAN >= end)
            break;
        (void)word_of((vaddr_t)number * WORD_SPAN, *start, end, &mask);
        bits &= mask;
        if (!bits)
            continue;
        first = (vaddr_t)number * WORD_SPAN;
        *start = first + (u64)__builtin_ctzll(bits) * PAGE_SIZE;
        bits = ~(bits >> __builtin_ctzll(bits));
        return *start + (bits ? (u64)__builtin_ctzll(bits) : 64) * PAGE_SIZE;
    }
    *start = end;
    return end;
}

void monitor_copy_undo(struct monitor *to, vaddr_t at, u64 len)
{
    if (READ_ONCE(to->guards.root))
        undo(to, at, at + len - 1);
}

int monitor_copy_reserve(struct monitor *from, vaddr_t start, vaddr_t end,
                         struct monitor *to, vaddr_t at)
{
    int err = 0;

    for (vaddr_t va = start, stop; !err && (stop = next_guarded(from, &va, end)) > va;
         va = stop) {
        vaddr_t last;

        err = reserve(to, at + (va - start), at + (stop - start), &last);
    }
    if (err)
        monitor_copy_undo(to, at, end - start);
    return err;
}

void monitor_copy(struct monitor *from, vaddr_t start, vaddr_t end, struct monitor *to,
                  vaddr_t at)
{
    for (vaddr_t va = start, stop; (stop = next_guarded(from, &va, end)) > va; va = stop)
        mark(to, at + (va - start), at + (stop - start));
}

void monitor_unguard(struct monitor *m, vaddr_t start, vaddr_t end)
{
    u32 number = (u32)(start / WORD_SPAN), last = (u32)((end - 1) / WORD_SPAN);
    bool more = true;

    if (!READ_ONCE(m->guards.root))
        return;
    while (more) {
        u64 mask, old;

        spin_lock(&m->lock);
        old = (u64)(uintptr_t)index_next(&m->guards, &number);
        more = old && number <= last;
        if (more) {
            (void)word_of((vaddr_t)number * WORD_SPAN, start, end, &mask);
            if (old & ~mask)
                WRITE_ONCE(index_leaf(&m->guards, number)->slot[number % INDEX_SLOTS],
                           (void *)(uintptr_t)(old & ~mask));
            else
                (void)index_erase(&m->guards, number);
            if (!settle(m))
                panic("nodes that are gone do not fit");
            more = number++ < last;
        }
        spin_unlock(&m->lock);
        if (more)
            pause_anyway();
    }
}

/* ---- fork ---- */

int monitor_inherit(struct vma *c, struct vma *v, struct monitor **parents)
{
    struct monitor *m = v->monitor;
    int err = 0;

    REQUIRES_EXCLUSIVE(&v->mm->lock);
    if (!m->heir)
        return 0;
    if (!m->born) {
        m->born = m->heir(m, c->mm);
        if (!m->born)
            return -ENOMEM;
        m->next = *parents;
        *parents = m;
    }
    vma_set_monitor(c, m->born, v->flags);
    if ((v->flags & (VM_ASK_WRITE | VM_WIPEONFORK)) == VM_ASK_WRITE) {
        err = monitor_copy_reserve(m, v->start, v->end, m->born, v->start);
        if (!err)
            monitor_copy(m, v->start, v->end, m->born, v->start);
    }
    return err;
}

void monitor_inherited(struct monitor *parents)
{
    for (struct monitor *m = parents, *next; m; m = next) {
        next = m->next;
        monitor_put(m->born); /* its VMAs have it */
        m->born = NULL;
        pause_anyway();
    }
}
