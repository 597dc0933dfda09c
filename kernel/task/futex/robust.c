/* SPDX-License-Identifier: MIT
 *
 * Robust futexes: each thread names a list in its memory of the locks it holds. When it ends,
 * the word of each gets FUTEX_OWNER_DIED and one who waits is woken. The list is the
 * program's: any pointer in it may be wrong, and it may be a circle.
 */
#include "kernel/task/futex/robust.h"
#include "kernel/syscall.h"
#include "kernel/task/futex/futex.h"
#include "kernel/task/futex/futex_pi.h"
#include "kernel/task/proc.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"

#define ROBUST_MAX 2048 /* entries, as on Linux */

struct robust_list_head {
    u64 next, offset, pending;
};

/* Bit 0 of a pointer to an entry: a PI futex, whose waiters futex_pi_exit serves. */
struct entry {
    vaddr_t at;
    bool pi;
};

long sys_set_robust_list(const struct syscall_args *a)
{
    if (a->a1 != sizeof(struct robust_list_head))
        return -EINVAL;
    current_thread()->robust_list = a->a0;
    return 0;
}

static int list_of(s32 tid, u64 *list)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    const struct thread *t = tid < 0 ? NULL
                             : tid   ? thread_find(0, tid)
                                     : current_thread();

    if (!t || !t->proc->mm)
        return -ESRCH;
    /* In one with the look: the number may be another's a moment later. */
    if (t->proc != current_proc() && !proc_may_look(t->proc, t, REAL_IDS))
        return -EPERM;
    *list = t->robust_list;
    return 0;
}

long sys_get_robust_list(const struct syscall_args *a)
{
    u64 len = sizeof(struct robust_list_head), list = 0;
    int err = list_of((s32)a->a0, &list);

    if (err)
        return err;
    if (copy_to_user(a->a2, &len, sizeof(len)) != 0)
        return -EFAULT;
    return copy_to_user(a->a1, &list, sizeof(list));
}

static int read_entry(vaddr_t at, struct entry *e)
{
    u64 word;

    if (copy_from_user(&word, at, sizeof(word)) != 0)
        return -EFAULT;
    *e = (struct entry){word & ~1ull, word & 1};
    return 0;
}

enum where { ON_LIST, PENDING };

/* Marks the word when the thread owns it. -EFAULT ends the walk. */
static int owner_died(const struct thread *t, vaddr_t addr, bool pi, enum where where)
{
    u32 word, seen, owner;

    if (addr & 3 || !user_range_ok(addr, sizeof(word)) ||
        arch_load_user_u32(addr, &word) != 0)
        return -EFAULT;
    for (;;) {
        owner = word & FUTEX_TID_MASK;
        /* Given up already, but it died before it woke the next. */
        if (where == PENDING && !pi && !owner) {
            (void)futex_wake_shared(addr, 1);
            return 0;
        }
        if (owner != (u32)t->tid)
            return 0;
        if (arch_cmpxchg_user_u32(addr, word, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED,
                                  &seen) != 0)
            return -EFAULT;
        if (seen == word)
            break;
        word = seen;
        pause_anyway();
    }
    if (!pi && word & FUTEX_WAITERS)
        (void)futex_wake_shared(addr, 1);
    return 0;
}

static void walk(struct thread *t, vaddr_t head)
{
    struct entry entry, next, pending;
    u64 offset;
    int err;

    if (read_entry(head + offsetof(struct robust_list_head, next), &entry) != 0 ||
        copy_from_user(&offset, head + offsetof(struct robust_list_head, offset),
                       sizeof(offset)) != 0 ||
        read_entry(head + offsetof(struct robust_list_head, pending), &pending) != 0)
        return;
    for (int n = 0; entry.at != head && n < ROBUST_MAX; n++) {
        /* Before the lock is free: its new owner may unmap the entry. */
        err = read_entry(entry.at, &next);
        if (entry.at != pending.at &&
            owner_died(t, entry.at + offset, entry.pi, ON_LIST) != 0)
            return;
        if (err)
            return;
        entry = next;
        pause_anyway();
    }
    if (pending.at)
        (void)owner_died(t, pending.at + offset, pending.pi, PENDING);
}

void futex_release(struct thread *t)
{
    vaddr_t list = t->robust_list;

    t->robust_list = 0;
    if (list && t->proc->mm)
        walk(t, list);
    futex_pi_exit(t);
}
