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
};

/* One try with both buckets locked: as futex_cmp_requeue_pi; *bad is what -EFAULT is about. */
static int requeue_now(const struct requeue_pi *r, struct futex_bucket *b,
                       struct futex_bucket *to, struct futex_pi **spare, vaddr_t *bad)
{
    struct futex_waiter *first = futex_first_waiter(b, &r->from);
    struct futex_pi *pi = NULL;
    u32 value;
    int err, count = 0;

    *bad = r->addr;
    err = futex_load_now(r->addr, &value);
    if (err)
        return err;
    if (value != r->expected)
        return -EOWNERDEAD; /* told apart from a word that changed under the take */
    if (!first)
        return 0;
    if (!first->requeue_key || !futex_same_key(first->requeue_key, &r->to))
        return -EINVAL;
    *bad = r->pi_addr;
    err = futex_pi_take(r->pi_addr, to, &r->to, first->thread,
                        r->nmove > 0 ? TAKE_WITH_WAITERS : TAKE_ALONE, spare, &pi);
    if (err < 0)
        return err;
    if (err == 1) {
        list_del(&first->link);
        WRITE_ONCE(first->woken, true);
        thread_unpark(first->thread);
        count = 1;
    }
    if (pi) {
        struct pi_place place = {.key = &r->to, .pi = pi};

        struct futex_moving m = {.bucket = b,
                                 .to_bucket = to,
                                 .from = &r->from,
                                 .to = &r->to,
                                 .last = b->arrivals,
                                 .limit = 1 + r->nmove - count,
                                 .admit = waits_for_pi,
                                 .arg = &place};

        (void)futex_move_some(&m);
        count = m.err ? m.err : count + m.moved;
        if (pi->nwaiters == 0)
            futex_pi_free(pi);
    }
    return count;
}

long futex_cmp_requeue_pi(vaddr_t addr, vaddr_t pi_addr, bool private, int nmove,
                          u32 expected)
{
    struct requeue_pi r = {
        .addr = addr, .pi_addr = pi_addr, .nmove = nmove, .expected = expected};
    struct futex_pi *spare = futex_pi_alloc();
    vaddr_t bad = 0;
    int err;

    if (!spare)
        return -ENOMEM;
    do {
        struct futex_bucket *b, *to;

        err = futex_key_get(&r.from, addr, private, FUTEX_READS);
        if (err)
            break;
        err = futex_key_get(&r.to, pi_addr, private, FUTEX_WRITES);
        if (err) {
            futex_key_put(&r.from);
            break;
        }
        b = futex_bucket_of(&r.from);
        to = futex_bucket_of(&r.to);
        futex_lock_two(b, to);
        err = futex_same_key(&r.from, &r.to) ? -EINVAL
                                             : requeue_now(&r, b, to, &spare, &bad);
        futex_unlock_two(b, to);
        futex_key_put(&r.from);
        futex_key_put(&r.to);
        if (err != -EAGAIN && err != -EFAULT)
            break;
        err = bad == addr ? futex_fault_in(addr, FUTEX_READS) : futex_pi_retry(err, bad);
    } while (!err);
    if (spare)
        futex_pi_drop(spare);
    return err == -EOWNERDEAD ? -EAGAIN : err;
}
