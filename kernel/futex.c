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
#include "lib/uapi/errno.h"
#include "mm/away.h"

/* object NULL: at is an address of mm. Else referenced, at is a byte of the object. */
struct futex_key {
    struct mm *mm;
    struct vm_object *object;
    u64 at;
};

struct futex_waiter {
    struct list link;
    struct thread *thread;
    struct futex_key key;
    u32 bits;
    bool woken;
};

static spinlock_t futex_lock;
static struct list waiters = LIST_INIT(waiters);

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

/* futex_lock held. */
static int wake_key(const struct futex_key *key, int n, u32 bits)
{
    struct list *pos, *tmp;
    int woken = 0;

    list_for_each_safe (pos, tmp, &waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, link);

        if (woken >= n)
            break;
        if (!same_key(&w->key, key) || !(w->bits & bits))
            continue;
        list_del(&w->link);
        w->woken = true;
        thread_unpark(w->thread);
        woken++;
    }
    return woken;
}

static int wake_at(struct mm *mm, vaddr_t addr, bool private, int n, u32 bits)
{
    struct futex_key key;
    int woken;

    key_get(&key, mm, addr, private);
    spin_lock(&futex_lock);
    woken = wake_key(&key, n, bits);
    spin_unlock(&futex_lock);
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
    u32 value;
    long result = 0;

    key_get(&w.key, w.thread->proc->mm, addr, private);
    spin_lock(&futex_lock);
    list_add_tail(&waiters, &w.link);
    spin_unlock(&futex_lock);
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
    spin_lock(&futex_lock);
    if (w.woken)
        result = 0;
    else
        list_del(&w.link);
    spin_unlock(&futex_lock);
    key_put(&w.key); /* the key of now: a requeue may have changed it */
    return result;
}

/* futex_lock held. Their references move with them. */
static int move_waiters(const struct futex_key *from, const struct futex_key *to, int n)
{
    struct list *pos;
    int moved = 0;

    list_for_each (pos, &waiters) {
        struct futex_waiter *w = list_entry(pos, struct futex_waiter, link);

        if (moved >= n)
            break;
        if (!same_key(&w->key, from))
            continue;
        if (to->object)
            object_get(to->object);
        w->key = *to;
        moved++;
    }
    return moved;
}

static int requeue(struct mm *mm, vaddr_t from_at, vaddr_t to_at, bool private, int nwake,
                   int nmove)
{
    struct futex_key from, to;
    int woken, moved;

    key_get(&from, mm, from_at, private);
    key_get(&to, mm, to_at, private);
    spin_lock(&futex_lock);
    woken = wake_key(&from, nwake, ~0u);
    moved = same_key(&from, &to) ? 0 : move_waiters(&from, &to, nmove);
    spin_unlock(&futex_lock);
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
