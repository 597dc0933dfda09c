/* SPDX-License-Identifier: MIT
 *
 * Names of futexes, the table of waiters, and the user word itself. A word of private memory
 * is named by address space and address; one in a shared mapping by object and file position,
 * so that every process finds it wherever it has it mapped or remapped.
 */
#include "kernel/task/futex/futex_key.h"
#include "arch/cpu.h"
#include "kernel/task/futex/futex.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "kernel/uffd/wait.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/op/access.h"
#include "mm/vm/object.h"

#define BUCKETS 1024u

static struct futex_bucket buckets[BUCKETS];

int futex_key_get(struct futex_key *key, vaddr_t addr, bool private,
                  enum futex_access access)
{
    struct mm *mm = current_proc()->mm;
    int err;

    *key = (struct futex_key){.mm = mm, .at = addr};
    if (private)
        return 0; /* memory is not asked, as on Linux */
    while ((err = mm_locate(mm, addr, access == FUTEX_WRITES, &key->object, &key->at)) !=
           0)
        if (err != -EFAULT ||
            (!uffd_await(mm, addr, FAULT_WRITE) && !uffd_await(mm, addr, FAULT_READ)))
            return err;
    if (key->object)
        key->mm = NULL;
    else
        key->at |= 1;
    return 0;
}

void futex_key_put(struct futex_key *key)
{
    if (key->object)
        object_put(key->object);
    key->object = NULL;
}

bool futex_same_key(const struct futex_key *a, const struct futex_key *b)
{
    return a->mm == b->mm && a->object == b->object && a->at == b->at;
}

/* Odd; no program knows it, so none chooses words that share a bucket. */
static u64 multiplier = 0x9e3779b97f4a7c15ull;

void futex_seed(u64 seed)
{
    multiplier = seed | 1;
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
    u64 hash = ((uintptr_t)key->mm ^ (uintptr_t)key->object) + (key->at >> 2);

    return &buckets[hash * multiplier >> 54];
}
STATIC_ASSERT(BUCKETS == 1u << (64 - 54));

/* A bucket that nobody used yet has no list. */
void futex_lock(struct futex_bucket *b)
{
    spin_lock(&b->lock);
    if (unlikely(!b->waiters.next))
        list_init(&b->waiters);
}

/* In the order of their addresses. */
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    futex_lock(MIN(a, b));
    if (a != b)
        futex_lock(MAX(a, b));
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    REQUIRES(&a->lock);
    REQUIRES(&b->lock);
    spin_unlock(&a->lock);
    if (a != b)
        spin_unlock(&b->lock);
}

void futex_add(struct futex_bucket *b, struct futex_waiter *w)
{
    REQUIRES(&b->lock);
    w->bucket = b;
    w->arrival = ++b->arrivals;
    if (unlikely(w->thread->realtime)) {
        struct list *pos;

        list_for_each (pos, &b->waiters)
            if (list_entry(pos, struct futex_waiter, link)->thread->priority <
                w->thread->priority)
                break;
        list_add_tail(pos, &w->link);
        return;
    }
    list_add_tail(&b->waiters, &w->link);
}

struct futex_bucket *futex_lock_waiter(struct futex_waiter *w)
{
    for (;;) {
        struct futex_bucket *b = READ_ONCE(w->bucket);

        futex_lock(b);
        if (likely(b == w->bucket))
            return b;
        spin_unlock(&b->lock); /* it was moved meanwhile */
    }
}

void futex_move(struct futex_waiter *w, struct futex_bucket *to,
                const struct futex_key *key)
{
    REQUIRES(&w->bucket->lock);
    REQUIRES(&to->lock);
    if (key->object)
        object_get(key->object);
    w->key = *key;
    list_del(&w->link);
    futex_add(to, w);
}

bool futex_move_some(struct futex_moving *m)
{
    struct list *pos, *tmp;
    bool first = true;

    list_for_each_safe (pos, tmp, &m->bucket->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, link);
        struct futex_key old = w->key;

        if (m->moved >= m->limit)
            break;
        if (w->arrival > m->last || !futex_same_key(&old, m->from))
            continue;
        if (m->pauses && !first && pause_due())
            return false;
        m->err = m->admit(w, m->arg);
        if (m->err)
            break;
        futex_move(w, m->to_bucket, m->to);
        /* m->from holds a reference of its own: this one is not the last. */
        if (old.object)
            object_put(old.object);
        m->moved++;
        first = false;
    }
    return true;
}

/* ---- the word ---- */

/* With interrupts off an access fails instead of sleeping. */
int futex_load_now(vaddr_t addr, u32 *value)
{
    irqflags_t flags = irq_save();
    int err = arch_load_user_u32(addr, value);

    irq_restore(flags);
    return err;
}

int futex_xchg_now(vaddr_t addr, u32 old, u32 new)
{
    irqflags_t flags = irq_save();
    u32 seen;
    int err = arch_cmpxchg_user_u32(addr, old, new, &seen);

    irq_restore(flags);
    return err ? err : seen == old ? 0 : -EAGAIN;
}

int futex_fault_in(vaddr_t addr, enum futex_access access)
{
    u32 value, seen;
    int err = arch_load_user_u32(addr, &value);

    if (!err && access == FUTEX_WRITES)
        err = arch_cmpxchg_user_u32(addr, value, value, &seen);
    return err;
}

int futex_queue(struct futex_waiter *w, vaddr_t addr, bool private, u32 expected)
{
    struct futex_bucket *b;
    u32 value;
    int err;

    do {
        err = futex_key_get(&w->key, addr, private, FUTEX_READS);
        if (err)
            return err;
        b = futex_bucket_of(&w->key);
        futex_lock(b);
        err = futex_load_now(addr, &value);
        if (!err && value != expected)
            err = -EAGAIN;
        if (!err)
            futex_add(b, w);
        spin_unlock(&b->lock);
        if (err)
            futex_key_put(&w->key);
        /* What is there when it has been brought in may have another name. */
    } while (err == -EFAULT && (err = futex_fault_in(addr, FUTEX_READS)) == 0);
    return err;
}

int futex_sleep(const bool *woken, u64 deadline)
{
    while (!READ_ONCE(*woken)) {
        if (thread_interrupted())
            return -EINTR;
        if (thread_park_until(deadline) != 0 && !READ_ONCE(*woken))
            return -ETIMEDOUT;
    }
    return 0;
}
