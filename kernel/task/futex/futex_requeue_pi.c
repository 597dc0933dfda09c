/* SPDX-License-Identifier: MIT
 *
 * Condition variables with PI futexes: waiters of a plain word that are moved to a PI futex,
 * and come back owning it.
 */
#include "kernel/task/futex/futex_requeue_pi.h"
#include "kernel/task/futex/futex_key.h"
#include "kernel/task/futex/futex_pi.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/vm/object.h"

/* The waiter woke, or gave up, before or after it was moved. */
static int end_requeue_wait(struct futex_waiter *w, vaddr_t pi_addr, int err)
{
    struct futex_bucket *b = futex_lock_waiter(w);
    bool moved = w->pi != NULL, woken = w->woken;

    if (!moved && !woken)
        list_del(&w->link);
    spin_unlock(&b->lock);
    if (moved) {
        err = futex_pi_finish(w, pi_addr, err);
        return err == -EINTR ? -EWOULDBLOCK : err;
    }
    return woken ? 0 : err == -EINTR ? -ERESTARTNOINTR : err;
}

long futex_wait_requeue_pi(vaddr_t addr, vaddr_t pi_addr, bool private, u32 expected,
                           u32 bits, u64 deadline)
{
    struct futex_key pi_key;
    struct futex_waiter w = {
        .thread = current_thread(), .bits = bits, .requeue_key = &pi_key};
    struct futex_key key;
    int err = futex_key_get(&pi_key, pi_addr, private, FUTEX_WRITES);

    if (err)
        return err;
    err = futex_key_get(&key, addr, private, FUTEX_READS);
    if (!err) {
        err = futex_same_key(&key, &pi_key) ? -EINVAL : 0;
        futex_key_put(&key);
    }
    if (!err)
        err = futex_queue(&w, addr, private, expected);
    if (!err) {
        err = end_requeue_wait(&w, pi_addr, futex_sleep(&w.woken, deadline));
        futex_key_put(&w.key);
    }
    futex_key_put(&pi_key);
    return err;
}

/* Where waiters move to: behind the owner of that PI futex. */
struct pi_place {
    const struct futex_key *key;
    struct futex_pi *pi;
};

static int waits_for_pi(struct futex_waiter *w, void *arg)
{
    const struct pi_place *to = arg;

    if (!w->requeue_key || w->pi || !futex_same_key(w->requeue_key, to->key))
        return -EINVAL;
    return futex_pi_wait_on(w, to->pi);
}

struct requeue_pi {
    vaddr_t addr, pi_addr;
    struct futex_key from, to;
    int nmove;
    u32 expected;
    u64 last;   /* who came to the bucket later stays */
    int count;  /* woken and moved */
    bool begun; /* the word was as expected */
    bool more;  /* others are to have their turn first */
    struct futex_pi *spare;
    vaddr_t bad; /* what -EFAULT is about */
};

/* The first that may be moved. */
static struct futex_waiter *first_to_move(const struct requeue_pi *r,
                                          struct futex_bucket *b)
{
    REQUIRES(&b->lock);
    struct list *pos;

    list_for_each (pos, &b->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, link);

        if (w->arrival <= r->last && futex_same_key(&w->key, &r->from))
            return w;
    }
    return NULL;
}

static int compare(struct requeue_pi *r)
{
    u32 value;
    int err;

    if (r->begun)
        return 0;
    r->bad = r->addr;
    err = futex_load_now(r->addr, &value);
    if (!err && value != r->expected)
        err = -EOWNERDEAD; /* told apart from a word that changed under the take */
    r->begun = !err;
    if (err)
        return err;
    r->bad = r->pi_addr; /* must be there even if nobody waits */
    return futex_load_now(r->pi_addr, &value);
}

/* A piece, with both buckets locked: 0, or as futex_pi_take. */
static int requeue_some(struct requeue_pi *r, struct futex_bucket *b,
                        struct futex_bucket *to)
{
    struct futex_waiter *first = first_to_move(r, b);
    struct futex_pi *pi = NULL;
    int err;

    r->more = false;
    if (!first || r->count > r->nmove)
        return 0;
    if (!first->requeue_key || !futex_same_key(first->requeue_key, &r->to))
        return -EINVAL;
    r->bad = r->pi_addr;
    err = futex_pi_take(r->pi_addr, to, &r->to, first->thread,
                        r->nmove > r->count ? TAKE_WITH_WAITERS : TAKE_ALONE, &r->spare,
                        &pi);
    if (err < 0)
        return err;
    if (err == 1) {
        list_del(&first->link);
        WRITE_ONCE(first->woken, true);
        thread_unpark(first->thread);
        r->count++;
    }
    if (pi) {
        struct pi_place place = {.key = &r->to, .pi = pi};

        struct futex_moving m = {.bucket = b,
                                 .to_bucket = to,
                                 .from = &r->from,
                                 .to = &r->to,
                                 .last = r->last,
                                 .limit = 1 + (s64)r->nmove - r->count,
                                 .pauses = true,
                                 .admit = waits_for_pi,
                                 .arg = &place};

        r->more = !futex_move_some(&m);
        r->count += m.moved;
        if (pi->nwaiters == 0)
            futex_pi_free(pi);
        return m.err;
    }
    return 0;
}

/* All pieces. Between two of them the lock may go to another owner, or be free: so it is taken
 * anew for the first that is left. */
static int requeue_now(struct requeue_pi *r, struct futex_bucket *b,
                       struct futex_bucket *to)
{
    int err = compare(r);

    r->last = b->arrivals;
    if (!err)
        err = requeue_some(r, b, to);
    while (!err && r->more) {
        futex_unlock_two(b, to);
        pause_anyway();
        if (!r->spare)
            r->spare = futex_pi_alloc();
        futex_lock_two(b, to);
        if (!r->spare)
            return 0; /* the rest stays */
        err = requeue_some(r, b, to);
    }
    return err;
}

static int requeue_try(struct requeue_pi *r, bool private)
{
    struct futex_bucket *b, *to;
    int err = futex_key_get(&r->from, r->addr, private, FUTEX_READS);

    if (err)
        return err;
    err = futex_key_get(&r->to, r->pi_addr, private, FUTEX_WRITES);
    if (!err) {
        b = futex_bucket_of(&r->from);
        to = futex_bucket_of(&r->to);
        futex_lock_two(b, to);
        err = futex_same_key(&r->from, &r->to) ? -EINVAL : requeue_now(r, b, to);
        futex_unlock_two(b, to);
        futex_key_put(&r->to);
    } else {
        r->bad = 0; /* not there at all */
    }
    futex_key_put(&r->from);
    return err;
}

long futex_cmp_requeue_pi(vaddr_t addr, vaddr_t pi_addr, bool private, int nmove,
                          u32 expected)
{
    struct requeue_pi r = {
        .addr = addr, .pi_addr = pi_addr, .nmove = nmove, .expected = expected};
    int err;

    for (;;) {
        r.bad = 0;
        if (!r.spare && !(r.spare = futex_pi_alloc())) {
            err = -ENOMEM;
            break;
        }
        err = requeue_try(&r, private);
        if (!r.bad || (err != -EAGAIN && err != -EFAULT))
            break;
        err = r.bad == addr ? futex_fault_in(addr, FUTEX_READS)
                            : futex_pi_retry(err, r.bad);
        if (err)
            break;
    }
    if (r.count && (err == -ENOMEM || err == -ERESTARTNOINTR))
        err = 0; /* what was done is told */
    if (r.spare)
        futex_pi_drop(r.spare);
    return err == -EOWNERDEAD ? -EAGAIN : err ? err : r.count;
}
