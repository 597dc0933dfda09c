/* SPDX-License-Identifier: MIT
 *
 * kcmp(2): whether two processes have something in common, and an order of what they have.
 * The order is one of addresses stirred by a secret number, so it tells nothing of them.
 */
#include "fs/fdtable.h"
#include "fs/file.h"
#include "kernel/event/watch.h"
#include "kernel/random.h"
#include "kernel/syscall.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"

/* What is compared. */
enum {
    KCMP_FILE,
    KCMP_VM,
    KCMP_FILES,
    KCMP_FS,
    KCMP_SIGHAND,
    KCMP_IO,
    KCMP_SYSVSEM,
    KCMP_EPOLL_TFD,
};

/* What KCMP_EPOLL_TFD finds in an epoll: of the watches of tfd the one after `skip` others. */
struct epoll_slot {
    s32 efd, tfd;
    u32 skip;
};

/* One side: what is compared of it, and for files its descriptors, referenced. */
struct side {
    const void *thing;
    struct fdtable *files;
};

static u64 stir(const void *thing)
{
    static u64 secret; /* set once */
    u64 fresh, none = 0;

    if (!__atomic_load_n(&secret, __ATOMIC_RELAXED)) {
        random_bytes(&fresh, sizeof(fresh));
        __atomic_compare_exchange_n(&secret, &none, fresh | 1, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
    }
    return ((u64)(uintptr_t)thing ^ secret) * secret;
}

/* There are no I/O contexts: the same none for everybody. Who ended (t NULL) and was not waited for
 * has its actions still. */
static const void *thing_of(const struct proc *p, const struct thread *t, int type)
{
    if (type == KCMP_SIGHAND)
        return p->sig.actions;
    if (!t)
        return NULL;
    switch (type) {
    case KCMP_VM:
        return p->mm;
    case KCMP_FILES:
        return t->files;
    case KCMP_FS:
        return t->fs.dirs;
    case KCMP_SYSVSEM:
        return READ_ONCE(t->undos);
    default:
        return NULL;
    }
}

/* 0, -ESRCH; -EPERM: one may not look into it. */
static int side_get(s32 tid, int type, struct side *s)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    const struct proc *p = tid > 0 ? proc_find_by_thread(tid) : NULL;
    const struct thread *t = p ? thread_find(0, tid) : NULL;
    int err = -ESRCH;

    *s = (struct side){NULL, NULL};
    if (p)
        err = proc_may_look(p, t, REAL_IDS) ? 0 : -EPERM;
    if (!err)
        s->thing = thing_of(p, t, type);
    if (!err && t && t->files && (type == KCMP_FILE || type == KCMP_EPOLL_TFD)) {
        s->files = t->files;
        fdtable_get(s->files);
    }
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

static void side_put(struct side *s)
{
    if (s->files)
        fdtable_put(s->files);
}

static int order(const void *a, const void *b)
{
    return a == b ? 0 : stir(a) < stir(b) ? 1 : 2;
}

/* f, and g or what it watches. */
static int compare_with(const struct file *f, const struct file *g,
                        const struct epoll_slot *slot)
{
    if (!slot)
        return order(f, g);
    if (!file_is_epoll(g))
        return -EINVAL;
    g = watch_target(g->data, slot->tfd, slot->skip);
    return g ? order(f, g) : -ENOENT;
}

static int compare_files(const struct side *a, const struct side *b, u64 fd_a, s32 fd_b,
                         const struct epoll_slot *slot)
{
    struct file *f = a->files ? fd_get(a->files, (s32)fd_a) : NULL;
    struct file *g = b->files ? fd_get(b->files, fd_b) : NULL;
    int result = f && g ? compare_with(f, g, slot) : -EBADF;

    if (f)
        file_put(f);
    if (g)
        file_put(g);
    return result;
}

static long compare(const struct side *a, const struct side *b,
                    const struct syscall_args *args)
{
    struct epoll_slot slot;

    switch ((s32)args->a2) {
    case KCMP_FILE:
        return compare_files(a, b, args->a3, (s32)args->a4, NULL);
    case KCMP_EPOLL_TFD:
        if (copy_from_user(&slot, args->a4, sizeof(slot)) != 0)
            return -EFAULT;
        return compare_files(a, b, args->a3, slot.efd, &slot);
    case KCMP_VM ... KCMP_SYSVSEM:
        return order(a->thing, b->thing);
    default:
        return -EINVAL;
    }
}

/* kcmp(pid1, pid2, type, index1, index2): 0 the same, 1 less, 2 greater. */
long sys_kcmp(const struct syscall_args *a)
{
    struct side one, two;
    int err = side_get((s32)a->a0, (s32)a->a2, &one);
    int other = side_get((s32)a->a1, (s32)a->a2, &two);
    long result;

    if (err != -ESRCH && other) /* who is not there is told first */
        err = other == -ESRCH || !err ? other : err;
    result = err ? err : compare(&one, &two, a);
    side_put(&one);
    side_put(&two);
    return result;
}
