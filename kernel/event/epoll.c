/* SPDX-License-Identifier: MIT
 *
 * epoll(7): who waits, who is told, and the asking of files. Watches: kernel/event/watch.c.
 */
#include "kernel/event/epoll.h"
#include "fs/anon.h"
#include "kernel/event/watch.h"
#include "kernel/panic.h"
#include "kernel/procfs/seq.h"
#include "kernel/task/sched/policy.h"
#include "kernel/task/sched/thread.h"
#include "kernel/task/sched/wake.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/epoll.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/sched.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"

#define SKIPS       64u /* watches of files that go, in one hold of the lock */
#define MEMORY_PART 25  /* watches of a user: a 25th of memory, as on Linux */

SLAB_CACHE(epoll_cache, "epoll", struct epoll);

struct sleeper {
    struct list link;
    void *thread;
};

/* ---- telling ---- */

static spinlock_t noted_lock; /* irq-safe, below epoll.lock */
static struct list noted = LIST_INIT(noted);
static struct thread *teller;
/* Held while one of them is taken and told of, so that who finds `untold` 0 finds all told. */
static struct mutex telling;
static u32 untold; /* atomic: noted, or taken and being told of */

/* The one that sleeps longest: it sees what there is, and when something is left wakes the next one
 * (epoll_leave). There may be thousands, and this may be an interrupt. */
static void wake_one(struct list *sleepers)
{
    struct list *first = list_first(sleepers);

    if (!first)
        return;
    list_del(first); /* the next wake is for another one */
    thread_unpark(list_entry(first, struct sleeper, link)->thread);
}

static void note(struct epoll *ep)
{
    irqflags_t flags = spin_lock_irq(&noted_lock);

    if (list_empty(&ep->noted)) {
        list_add_tail(&noted, &ep->noted);
        __atomic_fetch_add(&ep->refs, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&untold, 1, __ATOMIC_RELEASE);
    }
    spin_unlock_irq(&noted_lock, flags);
    thread_unpark(teller);
}

bool epoll_ready(struct watch *w)
{
    struct epoll *ep = w->ep;
    bool told;

    REQUIRES(&ep->lock);
    if (!(w->events & ~EPOLL_FLAGS)) /* disarmed */
        return false;
    if (list_empty(&w->ready))
        list_add_tail(&ep->ready, &w->ready);
    told = !list_empty(&ep->sleepers);
    wake_one(&ep->sleepers);
    /* Who polls joins first and looks at `ready` then. */
    if (list_empty(&ep->pollers.waiters))
        return told;
    note(ep);
    return true;
}

static struct epoll *take_noted(void)
{
    SCOPED_LOCK_IRQ(&noted_lock);
    struct list *first = list_first(&noted);

    if (!first)
        return NULL;
    list_del(first);
    list_init(first);
    return list_entry(first, struct epoll, noted);
}

/* Tells the pollers of one epoll; false: there was none. */
static bool tell_one(void)
{
    struct epoll *ep;

    mutex_lock(&telling);
    ep = take_noted();
    if (ep) {
        waitq_wake_all(&ep->pollers);
        __atomic_fetch_sub(&untold, 1, __ATOMIC_RELEASE);
    }
    mutex_unlock(&telling);
    if (!ep)
        return false;
    epoll_put(ep);
    pause_anyway();
    return true;
}

static void tell_pollers(void *arg)
{
    (void)arg;
    for (;;)
        if (!tell_one())
            thread_park();
}

/* Who looks at an epoll sees what happened before in those inside it: the thread that tells
 * of them may not have run yet. */
static inline void tell_noted(void)
{
    while (unlikely(__atomic_load_n(&untold, __ATOMIC_ACQUIRE)) && tell_one())
        ;
}

void epoll_init(void)
{
    mutex_init(&watches_lock);
    mutex_init(&telling);
    epoll_max_watches =
        page_count_total() * PAGE_SIZE / MEMORY_PART / sizeof(struct watch);
    teller = thread_create(NULL, "epoll", tell_pollers, NULL);
    if (!teller)
        panic("no memory for the thread that tells of events");
    sched_set_policy(teller, SCHED_FIFO, 99, NULL);
    thread_launch(teller);
}

/* ---- being inside ---- */

/* Sleeps in a list of the epoll, whose lock is held and given up meanwhile. */
static int sleep_in(struct epoll *ep, struct list *sleepers, u64 deadline,
                    irqflags_t *flags)
{
    struct sleeper me = {.thread = thread_self()};
    int err;

    REQUIRES(&ep->lock);
    list_add_tail(sleepers, &me.link);
    spin_unlock_irq(&ep->lock, *flags);
    err = thread_park_until(deadline);
    *flags = spin_lock_irq(&ep->lock);
    list_del(&me.link);
    return err;
}

void epoll_enter(struct epoll *ep)
{
    irqflags_t flags = spin_lock_irq(&ep->lock);

    while (ep->busy)
        (void)sleep_in(ep, &ep->entrants, NO_DEADLINE, &flags);
    ep->busy = true;
    spin_unlock_irq(&ep->lock, flags);
}

void epoll_leave(struct epoll *ep)
{
    SCOPED_LOCK_IRQ(&ep->lock);

    ep->busy = false;
    wake_one(&ep->entrants);
    if (!list_empty(&ep->ready)) /* something stays ready for another one */
        wake_one(&ep->sleepers);
}

/* ---- asking ---- */

/* The first of the round, with its file, among the first few; who has none any more
 * is skipped, which may be thousands. Whether it is to be asked for again. */
static bool take_some(struct epoll *ep, const struct list *round, struct watch **out)
{
    SCOPED_LOCK_IRQ(&ep->lock);
    struct list *first;

    for (u32 n = 0; n < SKIPS && (first = list_first(round)) != NULL; n++) {
        struct watch *w = list_entry(first, struct watch, ready);

        list_del(&w->ready);
        if (file_get_live(w->file)) {
            *out = w;
            return false;
        }
    }
    return !list_empty(round);
}

static struct watch *take_ready(struct epoll *ep, const struct list *round)
{
    struct watch *w = NULL;

    while (take_some(ep, round, &w))
        pause_anyway();
    return w;
}

static int give(vaddr_t user, const struct watch *w, u32 events)
{
    struct epoll_event e = {events, w->data};

    return copy_to_user(user, &e, sizeof(e));
}

/* w has been asked, and told of if `told`. It waits in `again` for the end of this round when
 * it is level-triggered. */
static void settle(struct watch *w, bool told, struct list *again)
{
    SCOPED_LOCK_IRQ(&w->ep->lock);

    if (told && w->events & EPOLLONESHOT)
        w->events &= EPOLL_FLAGS;
    else if ((!told || !(w->events & EPOLLET)) && list_empty(&w->ready))
        list_add_tail(again, &w->ready);
}

/* All of one list before what follows `at` in another. */
static void move_all(struct epoll *ep, struct list *at, struct list *from)
{
    REQUIRES(&ep->lock);
    if (!list_empty(from))
        list_move_run(at, from->next, from->prev);
}

/* What may be ready now is asked; what becomes ready meanwhile is for the next call, so that
 * nothing is told of twice in one. */
static void begin_round(struct epoll *ep, struct list *round)
{
    SCOPED_LOCK_IRQ(&ep->lock);

    move_all(ep, round, &ep->ready);
}

/* What waited comes behind what is new; what was not asked or could not be told comes first. */
static void end_round(struct epoll *ep, struct list *round, struct list *missed,
                      struct list *again)
{
    SCOPED_LOCK_IRQ(&ep->lock);

    move_all(ep, &ep->ready, again);
    move_all(ep, ep->ready.next, round);
    move_all(ep, ep->ready.next, missed);
}

int epoll_gather(struct epoll *ep, vaddr_t user, int max)
{
    struct list round = LIST_INIT(round), again = LIST_INIT(again),
                missed = LIST_INIT(missed);
    bool only_look = max == 0;
    struct watch *w;
    int n = 0, err = 0;

    begin_round(ep, &round);
    while (!err && n < MAX(max, 1) && (w = take_ready(ep, &round)) != NULL) {
        struct file *f = w->file;
        u32 events = f->ops->poll(f, NULL) & w->events;

        if (events && !only_look)
            err = give(user + (u64)n * sizeof(struct epoll_event), w, events);
        if (events)
            settle(w, !only_look && !err, err || only_look ? &missed : &again);
        n += events && !err;
        file_put(f); /* w may end here */
        pause_anyway();
    }
    end_round(ep, &round, &missed, &again);
    return n ? n : err;
}

/* Until something may be ready or the epoll can be entered. -ETIMEDOUT. */
static int sleep_for_news(struct epoll *ep, u64 deadline)
{
    irqflags_t flags = spin_lock_irq(&ep->lock);
    int err = 0;

    if (list_empty(&ep->ready) && !ep->busy)
        err = sleep_in(ep, &ep->sleepers, deadline, &flags);
    spin_unlock_irq(&ep->lock, flags);
    return err;
}

long epoll_wait_for(struct epoll *ep, vaddr_t user, int max, u64 deadline)
{
    bool late = deadline == 0;
    int n;

    for (;;) {
        tell_noted();
        epoll_enter(ep);
        n = epoll_gather(ep, user, max);
        epoll_leave(ep);
        if (n || late)
            return n;
        if (thread_interrupted())
            return -EINTR;
        late = sleep_for_news(ep, deadline) != 0;
    }
}

static u32 epoll_poll(struct file *f, struct poll_table *pt)
{
    struct epoll *ep = f->data;
    int n;

    poll_add(pt, &ep->pollers);
    tell_noted();
    epoll_enter(ep);
    n = epoll_gather(ep, 0, 0);
    epoll_leave(ep);
    return n ? POLLIN | POLLRDNORM : 0;
}

/* ---- the file ---- */

void epoll_put(struct epoll *ep)
{
    if (__atomic_sub_fetch(&ep->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    waitq_fini(&ep->pollers);
    slab_free(&epoll_cache, ep);
}

static void epoll_release(struct file *f)
{
    struct epoll *ep = f->data;

    mutex_lock(&watches_lock);
    ep->file = NULL;
    mutex_unlock(&watches_lock);
    watches_close(ep);
    epoll_put(ep);
}

/* The watch after that one, and its file with a reference: *live is false when it just goes. */
static bool copy_after(struct epoll *ep, const struct file *f, int fd, struct watch *out,
                       bool *live)
{
    SCOPED_LOCK_IRQ(&ep->lock);
    const struct watch *w = watch_after(ep, f, fd);

    if (!w)
        return false;
    *out = *w;
    *live = file_get_live(w->file);
    return true;
}

static void epoll_show(struct file *f, struct seq *s)
{
    struct watch w = {.fd = -1};
    bool live;

    epoll_enter(f->data);
    while (!s->error && copy_after(f->data, w.file, w.fd, &w, &live)) {
        seq_printf(s, "tfd: %8d events: %8x data: %16lx", w.fd, w.events, w.data);
        if (live) {
            seq_printf(s, "  pos:%lu ino:%lx sdev:%lx", READ_ONCE(w.file->pos),
                       w.file->inode->ino, w.file->inode->dev);
            file_put(w.file);
        }
        seq_puts(s, "\n");
        pause_anyway();
    }
    epoll_leave(f->data);
}

const struct file_ops epoll_ops = {
    .release = epoll_release, .poll = epoll_poll, .show = epoll_show};

int epoll_open(struct file **out)
{
    struct epoll *ep = slab_zalloc(&epoll_cache);
    int err;

    if (!ep)
        return -ENOMEM;
    ep->refs = 1;
    waitq_init(&ep->pollers);
    list_init(&ep->ready);
    list_init(&ep->sleepers);
    list_init(&ep->entrants);
    list_init(&ep->noted);
    list_init(&ep->inner);
    err = anon_create(ANON_EPOLL, &epoll_ops, O_RDWR, ep, out);
    if (err)
        epoll_put(ep);
    else
        ep->file = *out;
    return err;
}
