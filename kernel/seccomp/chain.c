/* SPDX-License-Identifier: MIT
 *
 * seccomp(2) and what becomes of filters: chains, threads that take part in them, their end.
 */
#include "kernel/seccomp/chain.h"
#include "kernel/bpf_read.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/mutex.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"

#define PATH_MAX_INSNS 32768u /* of a chain */
#define PATH_COST      4u /* beside its instructions, of each filter below the newest */

#define FLAGS                                              \
    (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | \
     SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC_ESRCH)

/* ---- filters ---- */

void seccomp_put(struct seccomp *f)
{
    while (f && __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        struct seccomp *below = f->below;

        __atomic_fetch_sub(&f->bpf->account->bytes, sizeof(*f), __ATOMIC_RELAXED);
        bpf_put(f->bpf);
        kfree(f);
        f = below;
        pause_anyway();
    }
}

static void hold(struct seccomp *f)
{
    __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
}

/* In Linux's order. */
static int read_filter(vaddr_t args, struct bpf_filter **out)
{
    struct bpf_program given;

    if (copy_from_user(&given, args, sizeof(given)) != 0)
        return -EFAULT;
    if (!given.len || given.len > BPF_MAXINSNS)
        return -EINVAL;
    if (!own_cred()->no_new_privs && !capable(CAP_SYS_ADMIN))
        return -EACCES;
    return bpf_read(&given, BPF_CALLS, out);
}

static int prepare(vaddr_t args, u64 flags, struct seccomp **out)
{
    struct seccomp *f;
    struct bpf_filter *bpf;
    int err = read_filter(args, &bpf);

    if (err)
        return err;
    f = kzalloc(sizeof(*f));
    if (!f) {
        bpf_put(bpf);
        return -ENOMEM;
    }
    f->refs = 1;
    f->log = flags & SECCOMP_FILTER_FLAG_LOG;
    f->bpf = bpf;
    __atomic_fetch_add(&bpf->account->bytes, sizeof(*f), __ATOMIC_RELAXED);
    *out = f;
    return 0;
}

int seccomp_nth(const struct thread *t, u64 n, struct seccomp **out)
{
    REQUIRES(&proc_lock);
    struct seccomp *f = t->filters;
    u64 above = t->cred->nfilters;

    if (!f)
        return -EINVAL;
    if (n >= above)
        return -ENOENT;
    while (--above > n)
        f = f->below;
    hold(f);
    *out = f;
    return 0;
}

/* ---- threads ---- */

/* From now on t is in that mode and, if f is not NULL, has this filter, with a reference of it. What
 * it had is below, or is itself: so nothing is freed. */
static void enter(struct thread *t, u8 mode, struct seccomp *f, u32 nfilters)
{
    REQUIRES(&proc_lock);
    struct cred *c = t->cred;

    c->seccomp = mode;
    c->nfilters = nfilters;
    __atomic_store_n(&t->filters, f, __ATOMIC_RELEASE);
    __atomic_fetch_or(&t->work, THREAD_FILTERED, __ATOMIC_RELEASE);
}

void seccomp_share(struct thread *child)
{
    REQUIRES(&proc_lock);
    struct thread *t = current_thread();

    if (likely(!(READ_ONCE(t->work) & THREAD_FILTERED)))
        return;
    if (t->filters)
        hold(t->filters);
    child->cred->no_new_privs =
        t->cred->no_new_privs; /* another thread may have set it */
    enter(child, t->cred->seccomp, t->filters, t->cred->nfilters);
}

void seccomp_leave(struct thread *t)
{
    struct seccomp *f = t->filters;

    t->filters = NULL;
    seccomp_put(f);
}

/* ---- SECCOMP_FILTER_FLAG_TSYNC ---- */

/* One thread at a time sets a filter, strict mode with it: what the others have does not change then,
 * though proc_lock is given up now and then, for a process may have many threads. A thread that is
 * made meanwhile has its maker's, and is met at the end. */
static struct mutex setting = {.queue = LIST_INIT(setting.queue)};

/* The number of a thread whose chain is not the end of the running one's; 0: there is none. */
static s32 find_other(const struct thread *t, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    REQUIRES(&setting);
    static u64 mark;
    const struct thread *other;

    mark++;
    for (struct seccomp *f = t->filters; f; f = f->below)
        f->mark = mark;
    for (u64 serial = 0; (other = thread_after(t->proc, serial)) != NULL;) {
        u8 mode = other->cred->seccomp;

        if (other != t && mode &&
            (mode != SECCOMP_MODE_FILTER || other->filters->mark != mark))
            return other->tid;
        serial = other->serial;
        proc_pause(flags);
    }
    return 0;
}

static void give_to_others(struct thread *t, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    REQUIRES(&setting);
    struct thread *other;

    for (u64 serial = 0; (other = thread_after(t->proc, serial)) != NULL;
         proc_pause(flags)) {
        struct seccomp *old = other->filters;

        serial = other->serial;
        if (other == t)
            continue;
        hold(t->filters);
        if (t->cred->no_new_privs)
            WRITE_ONCE(other->cred->no_new_privs, true);
        enter(other, SECCOMP_MODE_FILTER, t->filters, t->cred->nfilters);
        if (old) /* which t's chain still has */
            __atomic_fetch_sub(&old->refs, 1, __ATOMIC_RELAXED);
    }
}

/* ---- the call ---- */

/* f is the running thread's newest; on failure it stays the caller's. */
static long attach_locked(struct thread *t, struct seccomp *f, u64 flags, irqflags_t *irq)
{
    REQUIRES(&proc_lock);
    struct seccomp *below = t->filters;
    u32 path = f->bpf->len + (below ? below->path : 0);
    s32 other = 0;

    if (t->cred->seccomp == SECCOMP_MODE_STRICT)
        return -EINVAL;
    if (path > PATH_MAX_INSNS)
        return -ENOMEM;
    if (flags & SECCOMP_FILTER_FLAG_TSYNC)
        other = find_other(t, irq);
    if (other)
        return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : other;
    f->path = path + PATH_COST;
    f->below = below;
    enter(t, SECCOMP_MODE_FILTER, f, t->cred->nfilters + 1);
    if (flags & SECCOMP_FILTER_FLAG_TSYNC)
        give_to_others(t, irq);
    return 0;
}

static long attach(struct thread *t, struct seccomp *f, u64 flags)
{
    irqflags_t irq;
    long result;

    mutex_lock(&setting);
    irq = spin_lock_irq(&proc_lock);
    result = attach_locked(t, f, flags, &irq);
    spin_unlock_irq(&proc_lock, irq);
    mutex_unlock(&setting);
    return result;
}

static long set_filter(u64 flags, vaddr_t args)
{
    struct seccomp *f;
    long result;

    if (flags & ~(u64)FLAGS)
        return -EINVAL;
    result = prepare(args, flags, &f);
    if (result)
        return result;
    result = attach(current_thread(), f, flags);
    if (result)
        seccomp_put(f);
    return result;
}

static long set_strict(void)
{
    struct thread *t = current_thread();
    irqflags_t irq;
    bool filtered;

    mutex_lock(&setting);
    irq = spin_lock_irq(&proc_lock);
    filtered = t->cred->seccomp == SECCOMP_MODE_FILTER;
    if (!filtered) {
        arch_set_tsc(&t->arch, false);
        enter(t, SECCOMP_MODE_STRICT, NULL, 0);
    }
    spin_unlock_irq(&proc_lock, irq);
    mutex_unlock(&setting);
    return filtered ? -EINVAL : 0;
}

/* Nobody can be asked by SECCOMP_RET_USER_NOTIF: there are no listeners. */
static long is_available(vaddr_t args)
{
    u32 action;

    if (copy_from_user(&action, args, sizeof(action)) != 0)
        return -EFAULT;
    switch (action) {
    case SECCOMP_RET_KILL_PROCESS:
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_TRAP:
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_TRACE:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ALLOW:
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

long seccomp_set(u64 op, u64 flags, vaddr_t args)
{
    switch ((u32)op) {
    case SECCOMP_SET_MODE_STRICT:
        return (u32)flags || args ? -EINVAL : set_strict();
    case SECCOMP_SET_MODE_FILTER:
        return set_filter((u32)flags, args);
    case SECCOMP_GET_ACTION_AVAIL:
        return (u32)flags ? -EINVAL : is_available(args);
    default:
        return -EINVAL;
    }
}

/* (operation, flags, args) */
long sys_seccomp(const struct syscall_args *a)
{
    return seccomp_set(a->a0, a->a1, a->a2);
}
