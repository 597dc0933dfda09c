/* SPDX-License-Identifier: MIT
 *
 * capget and capset. What else changes capabilities is in kernel/task/cred.c.
 */
#include "kernel/syscall.h"
#include "kernel/task/limits.h"
#include "kernel/task/proc.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"

#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u

struct cap_header {
    u32 version;
    s32 pid;
};

struct cap_words {
    u32 effective, permitted, inheritable;
};

/* The words that follow in this version: 1 or 2; 0: unknown, then the newest is told. */
static int cap_header(vaddr_t at, struct cap_header *head, u32 *nwords)
{
    if (copy_from_user(head, at, sizeof(*head)) != 0)
        return -EFAULT;
    *nwords = 0;
    if (head->version == CAP_VERSION_1)
        *nwords = 1;
    else if (head->version == CAP_VERSION_2 || head->version == CAP_VERSION_3)
        *nwords = 2;
    if (*nwords)
        return 0;
    head->version = CAP_VERSION_3;
    return copy_to_user(at, head, sizeof(*head));
}

long sys_capget(const struct syscall_args *a)
{
    struct cap_header head;
    struct cap_words words[2];
    u64 effective = 0, permitted = 0, inheritable = 0;
    irqflags_t flags;
    const struct proc *p;
    u32 nwords;
    int err = cap_header(a->a0, &head, &nwords);

    if (err)
        return err;
    if (!a->a1) /* only the version is asked for */
        return 0;
    if (!nwords || head.pid < 0)
        return -EINVAL;
    flags = spin_lock_irq(&proc_lock);
    p = proc_find_by_thread(head.pid);
    if (p) {
        const struct cred *c =
            head.pid ? cred_of(p, thread_find(0, head.pid)) : own_cred();

        effective = c->fs.caps;
        permitted = c->permitted;
        inheritable = c->inheritable;
    }
    spin_unlock_irq(&proc_lock, flags);
    if (!p)
        return -ESRCH;
    for (u32 i = 0; i < 2; i++)
        words[i] =
            (struct cap_words){(u32)(effective >> 32 * i), (u32)(permitted >> 32 * i),
                               (u32)(inheritable >> 32 * i)};
    return copy_to_user(a->a1, words, nwords * sizeof(words[0]));
}

/* Only its own: what it has may be given up, inheritable ones are taken from what it has, or
 * with CAP_SETPCAP from its bounding set. */
static int write_caps(u64 effective, u64 permitted, u64 inheritable)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct cred new = *own_cred();

    if ((inheritable & ~(new.inheritable | new.permitted)) && !capable(CAP_SETPCAP))
        return -EPERM;
    if (inheritable & ~(new.inheritable | new.bounding) || permitted & ~new.permitted ||
        effective & ~permitted)
        return -EPERM;
    new.fs.caps = effective;
    new.permitted = permitted;
    new.inheritable = inheritable;
    new.ambient &= permitted &inheritable;
    cred_change(&new);
    return 0;
}

long sys_capset(const struct syscall_args *a)
{
    struct cap_header head;
    struct cap_words w[2] = {{0, 0, 0}, {0, 0, 0}};
    u64 effective, permitted, inheritable;
    u32 nwords;
    int err = cap_header(a->a0, &head, &nwords);

    if (err)
        return err;
    if (!nwords)
        return -EINVAL;
    if (head.pid && head.pid != current_thread()->tid)
        return -EPERM;
    if (copy_from_user(w, a->a1, nwords * sizeof(w[0])) != 0)
        return -EFAULT;
    effective = (w[0].effective | (u64)w[1].effective << 32) & CAP_ALL;
    permitted = (w[0].permitted | (u64)w[1].permitted << 32) & CAP_ALL;
    inheritable = (w[0].inheritable | (u64)w[1].inheritable << 32) & CAP_ALL;
    return write_caps(effective, permitted, inheritable);
}
