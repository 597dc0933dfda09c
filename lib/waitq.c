/* SPDX-License-Identifier: MIT
 *
 * Wait queues: a list of threads to wake. Waiters leave by themselves. Who wakes holds locks or is
 * an interrupt, so it wakes so many; a thread goes on from there, a few at a time.
 */
#include "lib/waitq.h"
#include "arch/cpu.h"
#include "lib/lock.h"

#define WAKES_MAX 128u

static spinlock_t rest_lock = SPINLOCK_INIT; /* irq-safe, below the locks of queues */
static struct list rests = LIST_INIT(rests); /* [rest_lock] of queues with a rest */
static struct waitq
    *waking;      /* [rest_lock] the one that the thread is at, not in the list */
static bool more; /* [rest_lock] it has another rest meanwhile */
void (*waitq_rest_due)(void);

void waitq_init(struct waitq *q)
{
    *q = (struct waitq){.lock = SPINLOCK_INIT};
    list_init(&q->waiters);
}

void waitq_add(struct waitq *q, struct waitq_entry *e)
{
    irqflags_t flags;

    e->thread = thread_self();
    e->wake = NULL;
    flags = spin_lock_irq(&q->lock);
    list_add_tail(&q->waiters, &e->link);
    spin_unlock_irq(&q->lock, flags);
}

void waitq_watch(struct waitq *q, struct waitq_entry *e)
{
    irqflags_t flags = spin_lock_irq(&q->lock);

    list_add_tail(&q->waiters, &e->link);
    spin_unlock_irq(&q->lock, flags);
}

void waitq_remove(struct waitq *q, struct waitq_entry *e)
{
    irqflags_t flags = spin_lock_irq(&q->lock);

    if (unlikely(q->next == &e->link))
        q->next = e->link.next;
    list_del(&e->link);
    spin_unlock_irq(&q->lock, flags);
}

/* One that is told instead of woken; *taken: an exclusive one has been reached. */
static noinline void tell(struct waitq_entry *e, bool *taken)
{
    if (!e->exclusive)
        e->wake(e);
    else if (!*taken)
        *taken = e->wake(e);
}

/* From q->next on: true when that was the last. */
static bool wake_some(struct waitq *q)
{
    for (u32 n = 0; n < WAKES_MAX && q->next != &q->waiters; n++) {
        struct waitq_entry *e = list_entry(q->next, struct waitq_entry, link);

        q->next = q->next->next;
        if (unlikely(e->wake))
            tell(e, &q->taken);
        else
            thread_unpark(e->thread);
    }
    if (unlikely(q->next != &q->waiters))
        return false;
    q->next = NULL;
    return true;
}

static void begin(struct waitq *q)
{
    q->next = q->waiters.next;
    q->taken = q->again = false;
}

static noinline void leave_rest(struct waitq *q)
{
    if (!waitq_rest_due) {
        while (!wake_some(q))
            ;
        return;
    }
    spin_lock(&rest_lock);
    if (waking == q)
        more = true;
    else if (!q->queued)
        list_add_tail(&rests, &q->rest);
    q->queued = true;
    spin_unlock(&rest_lock);
    waitq_rest_due();
}

void waitq_wake_all(struct waitq *q)
{
    irqflags_t flags = spin_lock_irq(&q->lock);

    if (unlikely(q->next)) {
        q->again = true;
    } else {
        begin(q);
        if (!wake_some(q))
            leave_rest(q);
    }
    spin_unlock_irq(&q->lock, flags);
}

/* The first queue with a rest, locked; NULL: there is none, or it is in use (*busy). Who wakes takes
 * the locks the other way round. */
static struct waitq *take_first(bool *busy)
{
    SCOPED_LOCK(&rest_lock);
    struct list *first = list_first(&rests);
    struct waitq *q = first ? list_entry(first, struct waitq, rest) : NULL;

    *busy = q && !spin_trylock(&q->lock);
    if (!q || *busy)
        return NULL;
    list_del(first);
    waking = q;
    more = false;
    return q;
}

/* Whom it wakes may wake others in turn: rest_lock is free. It stays `waking`, so that its memory
 * stays, until nothing of it is touched any more. */
bool waitq_wake_rest(void)
{
    irqflags_t flags = irq_save();
    bool busy, over;
    struct waitq *q = take_first(&busy);

    if (q) {
        over = wake_some(q);
        if (over && q->again) {
            begin(q);
            over = false;
        }
        spin_unlock(&q->lock);
        spin_lock(&rest_lock);
        waking = NULL;
        if (over && !more)
            __atomic_store_n(&q->queued, false, __ATOMIC_RELEASE);
        else
            list_add_tail(&rests, &q->rest);
        spin_unlock(&rest_lock);
    }
    irq_restore(flags);
    return q || busy;
}

void waitq_fini(struct waitq *q)
{
    irqflags_t flags;

    if (likely(!__atomic_load_n(&q->queued, __ATOMIC_ACQUIRE)))
        return;
    flags = spin_lock_irq(&rest_lock);
    while (waking == q) { /* on another CPU, with interrupts off */
        spin_unlock_irq(&rest_lock, flags);
        cpu_wait();
        flags = spin_lock_irq(&rest_lock);
    }
    if (q->queued)
        list_del(&q->rest);
    q->queued = false;
    spin_unlock_irq(&rest_lock, flags);
}
