/* SPDX-License-Identifier: MIT
 *
 * Events: who is told, and when.
 */
#include "kernel/uffd/event.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/uffd/uffd.h"
#include "kernel/uffd/wait.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/op/mm.h"
#include "mm/phys/slab.h"

u32 uffd_tells;

/* ---- gather ---- */

/* One more event for u, last in the list. */
static struct uffd_event *expect(struct list *events, struct uffd *u, u8 kind)
{
    struct uffd_event *e = kzalloc(sizeof(*e));

    if (!e)
        return NULL;
    e->u = u;
    e->msg.event = kind;
    monitor_get(&u->monitor);
    __atomic_fetch_add(&u->monitor.changing, 1, __ATOMIC_RELAXED);
    list_add_tail(events, &e->link);
    return e;
}

/* He has been told, or need not be. */
static void forget(struct uffd_event *e)
{
    if (e->heir)
        uffd_close(e->heir);
    __atomic_fetch_sub(&e->u->monitor.changing, 1, __ATOMIC_RELEASE);
    monitor_put(&e->u->monitor);
    kfree(e);
}

static void forget_all(struct list *events)
{
    while (!list_empty(events)) {
        struct uffd_event *e = list_entry(events->next, struct uffd_event, link);

        list_del(&e->link);
        forget(e);
        pause_anyway();
    }
}

static bool expected(const struct list *events, const struct uffd *u, u64 start, u64 end)
{
    const struct list *pos;

    list_for_each (pos, events) {
        const struct uffd_event *e = list_entry(pos, struct uffd_event, link);

        if (e->u == u && e->msg.arg[0] == start && e->msg.arg[1] == end)
            return true;
    }
    return false;
}

/* What [start, end) of v means to its monitor: each part that is removed is told, and each that
 * moves, as if it stayed; of an unmap the whole range, once. -ENOMEM. */
static int expect_of(struct list *events, const struct vma *v, u8 kind, vaddr_t start,
                     vaddr_t end)
{
    struct uffd *u = v->monitor ? uffd_of(v->monitor) : NULL;
    struct uffd_event *e;

    if (!u || !(u->features & UFFD_FEATURE_EVENT(kind)))
        return 0;
    if (kind == UFFD_EVENT_UNMAP && expected(events, u, start, end))
        return 0;
    e = expect(events, u, kind);
    if (!e)
        return -ENOMEM;
    if (kind != UFFD_EVENT_UNMAP) {
        start = MAX(start, v->start);
        end = MIN(end, v->end);
    }
    e->msg.arg[0] = start;
    e->msg.arg[1] = kind == UFFD_EVENT_REMAP ? start : end;
    e->msg.arg[2] = kind == UFFD_EVENT_REMAP ? end - start : 0;
    return 0;
}

/* For what is mapped in [start, start+len), with UFFD_EVENT_REMOVE up to what refuses the advice. */
static int expect_in(struct list *events, struct mm *mm, u8 kind, vaddr_t start, u64 len,
                     int advice)
{
    int err = 0;

    if (!len || start >= USER_END || len > USER_END - start)
        return 0; /* the call does nothing, or will say so */
    mm_lock_shared(mm);
    for (const struct vma *v = vma_find(mm, start); v && v->start < start + len && !err;
         v = vma_next(v)) {
        if (kind == UFFD_EVENT_REMOVE && mm_madvise_refuses(v, advice) != 0)
            break;
        err = expect_of(events, v, kind, start, start + align_up(len, PAGE_SIZE));
        pause_anyway();
    }
    mm_unlock_shared(mm);
    return err;
}

/* ---- tell ---- */

static bool told(struct uffd_event *e)
{
    SCOPED_LOCK(&e->u->lock);

    return e->told || (!e->taken && signal_kill_pending(current_thread()));
}

static void tell(struct uffd_event *e)
{
    struct uffd *u = e->u;

    REQUIRES_FAULTS_MAY_WAIT();
    e->thread = thread_self();
    spin_lock(&u->lock);
    e->told = u->closed;
    if (!e->told)
        list_add_tail(&u->events, &e->link);
    spin_unlock(&u->lock);
    waitq_wake_all(&u->readers);
    while (!told(e))
        thread_park();
    spin_lock(&u->lock);
    if (!e->told)
        list_del(&e->link);
    spin_unlock(&u->lock);
    forget(e);
}

static void tell_all(struct list *events)
{
    while (!list_empty(events)) {
        struct uffd_event *e = list_entry(events->next, struct uffd_event, link);

        list_del(&e->link);
        tell(e);
    }
}

static int settle(struct list *events, int err)
{
    if (err)
        forget_all(events);
    else
        tell_all(events);
    return err;
}

/* Nobody waits for u any more, and nobody will. */
void uffd_end_events(struct uffd *u)
{
    SCOPED_LOCK(&u->lock);

    u->closed = true;
    while (!list_empty(&u->events))
        uffd_end_event(list_entry(u->events.next, struct uffd_event, link));
}

/* ---- the calls ---- */

long uffd_munmap(struct mm *mm, vaddr_t addr, u64 len)
{
    struct list events;
    int err;

    list_init(&events);
    err = expect_in(&events, mm, UFFD_EVENT_UNMAP, addr, len, 0);
    if (!err)
        err = (int)mm_munmap(mm, addr, len);
    return settle(&events, err);
}

int uffd_mmap(struct mm *mm, const struct mmap_args *args, vaddr_t *out)
{
    struct list events;
    int err = 0;

    list_init(&events);
    if (args->flags & MAP_FIXED)
        err = expect_in(&events, mm, UFFD_EVENT_UNMAP, args->addr, args->len, 0);
    if (!err)
        err = mm_mmap(mm, args, out);
    return settle(&events, err);
}

vaddr_t uffd_brk(struct mm *mm, vaddr_t brk, bool exec)
{
    vaddr_t old = align_up(READ_ONCE(mm->brk), PAGE_SIZE), new = align_up(brk, PAGE_SIZE);
    struct list events;
    int err = 0;

    list_init(&events);
    if (brk >= READ_ONCE(mm->brk_start) && new < old)
        err = expect_in(&events, mm, UFFD_EVENT_UNMAP, new, old - new, 0);
    if (err) {
        (void)settle(&events, err);
        return READ_ONCE(mm->brk);
    }
    old = mm_brk(mm, brk, exec);
    (void)settle(&events, old == brk ? 0 : -ENOMEM);
    return old;
}

/* By the order of telling: what the target was; what moves; the tail that goes; if it has moved, the
 * place it had. */
struct mremap_events {
    struct list target, moves, tail, place;
};

static int expect_mremap(struct mremap_events *e, struct mm *mm, vaddr_t addr,
                         u64 old_len, u64 new_len, u32 flags, vaddr_t new_addr)
{
    u64 kept = MIN(old_len, new_len);
    int err = 0;

    if (flags & MREMAP_FIXED)
        err = expect_in(&e->target, mm, UFFD_EVENT_UNMAP, new_addr, new_len, 0);
    if (!err)
        err = expect_in(&e->moves, mm, UFFD_EVENT_REMAP, addr, kept, 0);
    if (!err && new_len < old_len)
        err = expect_in(&e->tail, mm, UFFD_EVENT_UNMAP, addr + kept, old_len - kept, 0);
    if (!err && !(flags & MREMAP_DONTUNMAP))
        err = expect_in(&e->place, mm, UFFD_EVENT_UNMAP, addr, kept, 0);
    return err;
}

/* Whereto it moved is known now. */
static void tell_moves(struct list *events, u64 delta)
{
    struct list *pos;

    list_for_each (pos, events) {
        list_entry(pos, struct uffd_event, link)->msg.arg[1] += delta;
        pause_anyway();
    }
    tell_all(events);
}

int uffd_mremap(struct mm *mm, vaddr_t addr, u64 old_len, u64 new_len, u32 flags,
                vaddr_t new_addr, vaddr_t *out)
{
    struct mremap_events e;
    int err;

    list_init(&e.target);
    list_init(&e.moves);
    list_init(&e.tail);
    list_init(&e.place);
    old_len = align_up(old_len, PAGE_SIZE);
    new_len = align_up(new_len, PAGE_SIZE);
    err = expect_mremap(&e, mm, addr, old_len, new_len, flags, new_addr);
    if (!err)
        err = mm_mremap(mm, addr, old_len, new_len, flags, new_addr, out);
    (void)settle(&e.target, err);
    if (!err && *out != addr)
        tell_moves(&e.moves, *out - addr);
    (void)settle(&e.tail, err);
    (void)settle(&e.place, err || *out == addr ? -EINVAL : 0);
    forget_all(&e.moves);
    return err;
}

int uffd_madvise(struct mm *mm, vaddr_t addr, u64 len, int advice)
{
    struct list events;
    int err = 0;

    list_init(&events);
    if (addr % PAGE_SIZE == 0 &&
        (advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED ||
         advice == MADV_FREE || advice == MADV_REMOVE))
        err = expect_in(&events, mm, UFFD_EVENT_REMOVE, addr, len, advice);
    err = settle(&events, err);
    return err ? err : mm_madvise(mm, addr, len, advice);
}

/* ---- fork ---- */

/* For those whose descriptor nobody has been offered. */
static int expect_fork(struct list *events, struct mm *child)
{
    int err = 0;

    mm_lock_shared(child);
    for (const struct vma *v = vma_first(child); v && !err; v = vma_next(v)) {
        struct uffd *heir = v->monitor ? uffd_of(v->monitor) : NULL;

        if (heir && heir->parent) {
            struct uffd_event *e = expect(events, heir->parent, UFFD_EVENT_FORK);

            if (e) {
                /* The event has its own. */
                __atomic_fetch_sub(&heir->parent->monitor.changing, 1, __ATOMIC_RELAXED);
                monitor_put(&heir->parent->monitor);
                heir->parent = NULL;
                monitor_get(&heir->monitor);
                e->heir = heir;
            } else {
                err = -ENOMEM;
            }
        }
        pause_anyway();
    }
    mm_unlock_shared(child);
    return err;
}

int uffd_fork(struct mm *child)
{
    struct list events;
    int err;

    list_init(&events);
    err = expect_fork(&events, child);
    return settle(&events, err);
}
