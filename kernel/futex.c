/* SPDX-License-Identifier: MIT
 *
 * Futexes: sleeping on a word of memory until another thread says that it changed. A word
 * of private memory is named by address space and address; one in a shared mapping by object
 * and file position, so that every process finds it wherever it has it mapped or remapped.
 */
#include "lib/uapi/futex.h"
#include "arch/time.h"
#include "kernel/process.h"
#include "kernel/sys.h"
#include "kernel/syscall.h"
#include "kernel/uaccess.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/away.h"

/* object NULL: at is an address of mm. Else referenced, at is a byte of the object. */
struct futex_key {
    struct mm *mm;
    struct vm_object *object;
    u64 at;
};

/* Waiters whose keys have the same hash. */
struct futex_bucket {
    spinlock_t lock;
    struct list waiters; /* of struct futex_waiter, first come first served */
    u64 arrivals;
};

struct futex_waiter {
    struct list link;
    struct futex_bucket *bucket; /* changed under the locks of the old and the new one */
    u64 arrival;                 /* in its bucket */
    struct thread *thread;
    struct futex_key key;
    u32 bits;
    bool woken;
};

#define BUCKETS 1024u

static struct futex_bucket buckets[BUCKETS];

static struct futex_bucket *bucket_of(const struct futex_key *key)
{
    u64 hash = ((uintptr_t)key->mm ^ (uintptr_t)key->object) + (key->at >> 2);

    return &buckets[hash * 0x9e3779b97f4a7c15ull >> 54];
}
STATIC_ASSERT(BUCKETS == 1u << (64 - 54));

/* A bucket that nobody used yet has no list. */
static void bucket_lock(struct futex_bucket *b)
{
    spin_lock(&b->lock);
    if (unlikely(!b->waiters.next))
        list_init(&b->waiters);
}

/* Both, which may be one, in the order of their addresses. */
static void buckets_lock(struct futex_bucket *a, struct futex_bucket *b)
{
    bucket_lock(MIN(a, b));
    if (a != b)
        bucket_lock(MAX(a, b));
}

static void buckets_unlock(struct futex_bucket *a, struct futex_bucket *b)
{
    spin_unlock(&a->lock);
    if (a != b)
        spin_unlock(&b->lock);
}

static void bucket_add(struct futex_bucket *b, struct futex_waiter *w)
{
    w->bucket = b;
    w->arrival = ++b->arrivals;
    list_add_tail(&b->waiters, &w->link);
}

/* Locks the bucket that the waiter stands in. */
static struct futex_bucket *lock_waiter(struct futex_waiter *w)
{
    for (;;) {
        struct futex_bucket *b = READ_ONCE(w->bucket);

        bucket_lock(b);
        if (likely(b == w->bucket))
            return b;
        spin_unlock(&b->lock); /* it was moved meanwhile */
    }
}

static void key_get(struct futex_key *key, struct mm *mm, vaddr_t addr, bool private)
{
    const struct vma *v;

    *key = (struct futex_key){.mm = mm, .at = addr};
    if (private)
        return;
    mutex_lock_shared(&mm->lock);
    v = vma_at(mm, addr);
    if (v && vma_kind(v) == VMA_SHARED) {
        object_get(v->object);
        key->mm = NULL;
        key->object = v->object;
        key->at = (mm_offset(mm, v, addr) << PAGE_SHIFT) + addr % PAGE_SIZE;
    }
    mutex_unlock(&mm->lock);
}

static void key_put(struct futex_key *key)
{
    if (key->object)
        object_put(key->object);
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
    return a->mm == b->mm && a->object == b->object && a->at == b->at;
}

/* Up to n waiters of the key that came no later than `last`; false: *woken of them until it
 * was time for a pause. The bucket's lock is held. */
static bool wake_some(struct futex_bucket *b, const struct futex_key *key, int n,
                      u32 bits, u64 last, int *woken)
{
    struct list *pos, *tmp;

    list_for_each_safe (pos, tmp, &b->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, link);

        if (*woken >= n)
            return true;
        if (!same_key(&w->key, key) || !(w->bits & bits) || w->arrival > last)
            continue;
        list_del(&w->link);
        w->woken = true;
        thread_unpark(w->thread);
        ++*woken;
        if (pause_due())
            return false;
    }
    return true;
}

static int wake_at(struct mm *mm, vaddr_t addr, bool private, int n, u32 bits)
{
    struct futex_bucket *b;
    struct futex_key key;
    int woken = 0;
    u64 last;

    key_get(&key, mm, addr, private);
    b = bucket_of(&key);
    bucket_lock(b);
    last = b->arrivals;
    while (!wake_some(b, &key, n, bits, last, &woken))
        pause_unlocked(&b->lock);
    spin_unlock(&b->lock);
    key_put(&key);
    return woken;
}

int futex_wake(struct mm *mm, vaddr_t addr, int n, u32 bits)
{
    return wake_at(mm, addr, false, n, bits);
}

/* Queued before the word is read, so that a wake-up after the read is not lost. */
static long futex_wait(vaddr_t addr, bool private, u32 expected, u64 deadline, u32 bits)
{
    struct futex_waiter w = {.thread = current_thread(), .bits = bits};
    struct futex_bucket *b;
    u32 value;
    long result = 0;

    key_get(&w.key, w.thread->proc->mm, addr, private);
    b = bucket_of(&w.key);
    bucket_lock(b);
    bucket_add(b, &w);
    spin_unlock(&b->lock);
    if (arch_load_user_u32(addr, &value) != 0)
        result = -EFAULT;
    else if (value != expected)
        result = -EAGAIN;
    while (!result && !READ_ONCE(w.woken)) {
        if (thread_interrupted())
            result = deadline == NO_DEADLINE ? -ERESTARTSYS : -EINTR;
        else if (thread_park_until(deadline) != 0 && !READ_ONCE(w.woken))
            result = -ETIMEDOUT;
    }
    b = lock_waiter(&w);
    if (w.woken)
        result = 0;
    else
        list_del(&w.link);
    spin_unlock(&b->lock);
    key_put(&w.key); /* the key of now: a requeue may have changed it */
    return result;
}

/* Moves up to n waiters from one key to another; both buckets are locked. Their references
 * move with them. */
static int move_waiters(struct futex_bucket *b, const struct futex_key *from,
                        struct futex_bucket *to_bucket, const struct futex_key *to, int n)
{
    struct list *pos, *tmp;
    u64 last = b->arrivals;
    int moved = 0;

    list_for_each_safe (pos, tmp, &b->waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, link);

        if (moved >= n || w->arrival > last)
            break;
        if (!same_key(&w->key, from))
            continue;
        if (to->object)
            object_get(to->object);
        w->key = *to;
        list_del(&w->link);
        bucket_add(to_bucket, w);
        moved++;
    }
    return moved;
}

static int requeue(struct mm *mm, vaddr_t from_at, vaddr_t to_at, bool private, int nwake,
                   int nmove)
{
    struct futex_key from, to;
    struct futex_bucket *b, *to_bucket;
    int woken = 0, moved;
    u64 last;

    key_get(&from, mm, from_at, private);
    key_get(&to, mm, to_at, private);
    b = bucket_of(&from);
    to_bucket = bucket_of(&to);
    buckets_lock(b, to_bucket);
    last = b->arrivals;
    while (!wake_some(b, &from, nwake, ~0u, last, &woken)) {
        buckets_unlock(b, to_bucket);
        pause_anyway();
        buckets_lock(b, to_bucket);
    }
    moved = same_key(&from, &to) ? 0 : move_waiters(b, &from, to_bucket, &to, nmove);
    buckets_unlock(b, to_bucket);
    for (int i = 0; from.object && i < moved; i++)
        object_put(from.object); /* what the moved ones held */
    key_put(&from);
    key_put(&to);
    return woken + moved;
}

/* FUTEX_WAIT's time-out is relative, WAIT_BITSET's a moment of its clock. */
static int wait_deadline(vaddr_t timeout, u32 op, u64 *deadline)
{
    u64 ns, now;
    int err;

    *deadline = NO_DEADLINE;
    if (!timeout)
        return 0;
    if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT)
        return deadline_from_user(timeout, deadline);
    err = timespec_from_user(timeout, &ns);
    if (err)
        return err;
    now = op & FUTEX_CLOCK_REALTIME ? clock_realtime_ns() : clock_monotonic_ns();
    *deadline = clock_monotonic_ns() + (ns > now ? ns - now : 0);
    return 0;
}

static long wait_call(const struct syscall_args *a, u32 op, u32 bits)
{
    bool private = op & FUTEX_PRIVATE_FLAG;
    u64 deadline;
    int err = wait_deadline(a->a3, op, &deadline);

    if (err)
        return err;
    return bits ? futex_wait(a->a0, private, (u32)a->a2, deadline, bits) : -EINVAL;
}

long sys_futex(const struct syscall_args *a)
{
    struct mm *mm = current_proc()->mm;
    u32 op = (u32)a->a1, value;
    bool private = op & FUTEX_PRIVATE_FLAG;
    int n = (int)a->a2;

    if (a->a0 & 3)
        return -EINVAL;
    if (!user_range_ok(a->a0, 4))
        return -EFAULT;
    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        return wait_call(a, op, ~0u);
    case FUTEX_WAIT_BITSET:
        return wait_call(a, op, (u32)a->a5);
    case FUTEX_WAKE:
        return wake_at(mm, a->a0, private, n, ~0u);
    case FUTEX_WAKE_BITSET:
        return (u32)a->a5 ? wake_at(mm, a->a0, private, n, (u32)a->a5) : -EINVAL;
    case FUTEX_CMP_REQUEUE:
        if (arch_load_user_u32(a->a0, &value) != 0)
            return -EFAULT;
        if (value != (u32)a->a5)
            return -EAGAIN;
        /* fall through */
    case FUTEX_REQUEUE:
        if (n < 0 || (int)a->a3 < 0 || a->a4 & 3 || !user_range_ok(a->a4, 4))
            return -EINVAL;
        return requeue(mm, a->a0, a->a4, private, n, (int)a->a3);
    default:
        return -ENOSYS;
    }
}
