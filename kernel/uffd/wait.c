/* SPDX-License-Identifier: MIT
 *
 * The side of userfaultfd that waits. No wake-up is lost: who waits is in the list before he
 * tries once more, with mm->lock held, whether he has to; the monitor changes memory first
 * and wakes afterwards.
 */
#include "kernel/uffd/wait.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/uffd/uffd.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "mm/op/mm.h"

void uffd_end_event(struct uffd_event *e)
{
    REQUIRES(&e->u->lock);
    list_del(&e->link);
    e->told = true;
    thread_unpark(e->thread);
}

static struct uffd_event *first_event(struct uffd *u)
{
    REQUIRES(&u->lock);
    struct list *pos;

    list_for_each (pos, &u->events) {
        struct uffd_event *e = list_entry(pos, struct uffd_event, link);

        if (!e->taken)
            return e;
    }
    return NULL;
}

/* Makes the descriptor that e, which is taken and so stays, offers the reader. */
static int take_fork(struct uffd *u, struct uffd_event *e, struct uffd_msg *msg)
{
    int fd = uffd_open(e->heir);

    SCOPED_LOCK(&u->lock);
    e->taken = false;
    if (fd < 0) {
        thread_unpark(e->thread);
        return fd;
    }
    e->heir = NULL;
    *msg = e->msg;
    msg->arg[0] = (u32)fd;
    uffd_end_event(e);
    return 1;
}

int uffd_take(struct uffd *u, struct uffd_msg *msg)
{
    struct uffd_event *e = NULL;
    struct uffd_waiter *w;
    int taken = 1;

    spin_lock(&u->lock);
    if (!list_empty(&u->pending)) {
        w = list_entry(u->pending.next, struct uffd_waiter, link);
        *msg = w->msg;
        list_del(&w->link);
        list_add_tail(&u->asked, &w->link);
    } else if (!(e = first_event(u))) {
        taken = 0;
    } else if (e->heir) {
        e->taken = true;
    } else {
        *msg = e->msg;
        uffd_end_event(e);
        e = NULL;
    }
    spin_unlock(&u->lock);
    return e ? take_fork(u, e, msg) : taken;
}

/* So many are woken in one hold of the lock. */
#define WAKES 128u

/* At most *left of those that came before `last`. */
static void wake_list(struct list *waiters, vaddr_t start, vaddr_t end, u64 last,
                      u32 *left)
{
    struct list *pos, *next;

    for (pos = waiters->next; pos != waiters && *left; pos = next) {
        struct uffd_waiter *w = list_entry(pos, struct uffd_waiter, link);

        next = pos->next;
        if (w->va < start || w->va >= end || w->number > last)
            continue;
        *left -= 1;
        list_del(&w->link);
        list_init(&w->link);
        w->woken = true;
        thread_unpark(w->thread);
    }
}

void uffd_wake(struct uffd *u, vaddr_t start, vaddr_t end)
{
    u64 last = ~0ull; /* who is woken may be here again before all are */
    u32 left;

    do {
        left = WAKES;
        spin_lock(&u->lock);
        last = MIN(last, u->waits);
        wake_list(&u->pending, start, end, last, &left);
        wake_list(&u->asked, start, end, last, &left);
        spin_unlock(&u->lock);
        pause_anyway();
    } while (!left);
}

static void set_message(struct uffd_waiter *w, const struct uffd *u,
                        enum fault_result why, u32 access, u64 size)
{
    w->msg = (struct uffd_msg){.event = UFFD_EVENT_PAGEFAULT};
    w->msg.address =
        u->features & UFFD_FEATURE_EXACT_ADDRESS ? w->va : w->va & ~(size - 1);
    if (access & FAULT_WRITE)
        w->msg.flags |= UFFD_PAGEFAULT_FLAG_WRITE;
    if (why == FAULT_ASK_WRITE)
        w->msg.flags |= UFFD_PAGEFAULT_FLAG_WP;
    if (why == FAULT_ASK_MINOR)
        w->msg.flags |= UFFD_PAGEFAULT_FLAG_MINOR;
    if (u->features & UFFD_FEATURE_THREAD_ID)
        w->msg.ptid = (u32)current_thread()->tid;
}

/* The monitor to ask, with a reference; NULL: there is none any more. *result: FAULT_OK, or why he
 * is not asked. M held. */
static struct uffd *find(struct mm *mm, vaddr_t va, bool user, enum fault_result *result)
{
    REQUIRES(&mm->lock);
    struct vma *v = vma_at(mm, va);
    struct uffd *u = v && v->monitor ? uffd_of(v->monitor) : NULL;

    *result = FAULT_OK;
    if (!u)
        return NULL;
    if ((u->features & UFFD_FEATURE_SIGBUS) ||
        ((u->flags & UFFD_USER_MODE_ONLY) && !user) || current_thread()->ends) {
        *result = FAULT_BUS;
        return NULL;
    }
    monitor_get(&u->monitor);
    return u;
}

/* In the list, where wakers find it; its message is not to be read yet. */
static void enter(struct uffd *u, struct uffd_waiter *w)
{
    SCOPED_LOCK(&u->lock);

    w->number = ++u->waits;
    list_add_tail(&u->asked, &w->link);
}

static void publish(struct uffd *u, struct uffd_waiter *w)
{
    spin_lock(&u->lock);
    if (!w->woken) {
        list_del(&w->link);
        list_add_tail(&u->pending, &w->link);
    }
    spin_unlock(&u->lock);
    waitq_wake_all(&u->readers);
}

static void leave(struct uffd *u, struct uffd_waiter *w)
{
    spin_lock(&u->lock);
    if (!list_empty(&w->link))
        list_del(&w->link);
    spin_unlock(&u->lock);
    monitor_put(&u->monitor);
}

static bool woken(struct uffd *u, const struct uffd_waiter *w)
{
    SCOPED_LOCK(&u->lock);

    return w->woken;
}

enum fault_result uffd_wait(struct mm *mm, vaddr_t va, u32 access, bool user)
{
    struct uffd_waiter w = {.thread = thread_self(), .va = va};
    enum fault_result result;
    struct uffd *u;
    u64 size;

    REQUIRES_FAULTS_MAY_WAIT();
    list_init(&w.link);
    mm_lock_shared(mm);
    u = find(mm, va, user, &result);
    if (!u) {
        mm_unlock_shared(mm);
        return result;
    }
    enter(u, &w);
    size = vma_page_size(vma_at(mm, va));
    result = fault_locked(mm, vma_at(mm, va), va, access);
    mm_unlock_shared(mm);
    if (fault_asks(result)) {
        set_message(&w, u, result, access, size);
        publish(u, &w);
        /* Signals end what a program waits for; inside a call only the end of the thread does. */
        while (!woken(u, &w) && !signal_kill_pending(current_thread()) &&
               !(user && thread_interrupted()))
            thread_park();
    }
    leave(u, &w);
    return FAULT_OK; /* whatever it was, the next try will say it */
}

bool uffd_await(struct mm *mm, vaddr_t va, u32 access)
{
    enum fault_result result = FAULT_MAPERR;
    struct vma *v;

    REQUIRES_FAULTS_MAY_WAIT();
    mm_lock_shared(mm);
    v = vma_at(mm, va);
    if (v && v->monitor)
        result = fault_locked(mm, v, va, access);
    mm_unlock_shared(mm);
    return fault_asks(result) && uffd_wait(mm, va, access, false) == FAULT_OK &&
           !signal_killed();
}
