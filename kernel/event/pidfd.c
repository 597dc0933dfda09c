/* SPDX-License-Identifier: MIT
 *
 * pidfd_open(2) and its kin.
 */
#include "kernel/event/pidfd.h"
#include "arch/time.h"
#include "fs/anon.h"
#include "fs/fdtable.h"
#include "kernel/procfs/file.h"
#include "kernel/procfs/seq.h"
#include "kernel/sys/fs.h"
#include "kernel/sys/kill.h"
#include "kernel/task/oom.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/usage.h"
#include "kernel/task/walk.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/op/mm.h"
#include "mm/phys/slab.h"

#define PIDFD_NONBLOCK O_NONBLOCK
#define RELEASE_NS     1000000000ull

/* What the files of one process and timers on its clock share, and it points at. */
struct pidref {
    u32 refs; /* atomic: the process, files, timers */
    struct waitq ended;
    struct task_id id;   /* [c] */
    bool over, gone;     /* it ended; it was waited for */
    u64 user_ns, all_ns; /* single words: processor time it used */
};

static struct pidref *pidref_create(void)
{
    struct pidref *r = kzalloc(sizeof(*r));

    if (!r)
        return NULL;
    r->refs = 1;
    waitq_init(&r->ended);
    return r;
}

static void pidref_get(struct pidref *r)
{
    __atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED);
}

void pidref_put(struct pidref *r)
{
    if (__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    waitq_fini(&r->ended);
    kfree(r);
}

void pidref_ended(struct pidref *r)
{
    WRITE_ONCE(r->over, true);
    waitq_wake_all(&r->ended);
}

void pidref_forget(struct pidref *r)
{
    WRITE_ONCE(r->over, true);
    WRITE_ONCE(r->gone, true);
    waitq_wake_all(&r->ended);
    pidref_put(r);
}

void pidref_tick(struct pidref *r, const struct proc *p)
{
    WRITE_ONCE(r->user_ns, READ_ONCE(p->utime_ns));
    WRITE_ONCE(r->all_ns, proc_cpu_ns(p));
}

u64 pidref_cpu_ns(const struct pidref *r, bool user_only)
{
    return READ_ONCE(*(user_only ? &r->user_ns : &r->all_ns));
}

bool pidref_gone(const struct pidref *r)
{
    return READ_ONCE(r->gone);
}

/* ---- the file ---- */

static u32 pidfd_poll(struct file *f, struct poll_table *pt)
{
    struct pidref *r = f->data;

    poll_add(pt, &r->ended);
    return (READ_ONCE(r->over) ? POLLIN | POLLRDNORM : 0) |
           (READ_ONCE(r->gone) ? POLLHUP : 0);
}

static void pidfd_show(struct file *f, struct seq *s)
{
    const struct pidref *r = f->data;
    s32 pid = READ_ONCE(r->gone) ? -1 : r->id.pid;

    seq_printf(s, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static void pidfd_release(struct file *f)
{
    pidref_put(f->data);
}

static const struct file_ops pidfd_ops = {
    .poll = pidfd_poll, .show = pidfd_show, .release = pidfd_release};

/* The caller's reference is used up on success. */
static int create(struct pidref *r, u32 flags, struct file **out)
{
    return anon_create(ANON_PIDFD, &pidfd_ops, O_RDWR | (flags & O_NONBLOCK), r, out);
}

int pidfd_for_child(struct proc *child, struct file **out)
{
    struct pidref *r = pidref_create();
    int err;

    if (!r)
        return -ENOMEM;
    r->id = (struct task_id){.pid = child->pid, .serial = child->serial};
    pidref_get(r);
    err = create(r, 0, out);
    if (err)
        pidref_put(r);
    if (err)
        pidref_put(r);
    else
        child->pidref = r;
    return err;
}

int pidfd_identify(int fd, struct task_id *out, bool *nonblock)
{
    struct file *f = io_file_of(fd);
    int err = f && f->ops == &pidfd_ops ? 0 : -EBADF;

    if (!err) {
        *out = ((struct pidref *)f->data)->id;
        *nonblock = file_flags(f) & O_NONBLOCK;
    }
    if (f)
        file_put(f);
    return err;
}

/* ---- the calls ---- */

int pidref_of(s32 pid, struct pidref **out)
{
    struct pidref *spare = pidref_create();
    irqflags_t flags;
    struct proc *p;
    int err = 0;

    if (!spare)
        return -ENOMEM;
    flags = spin_lock_irq(&proc_lock);
    p = proc_find(pid);
    if (!p) {
        err = proc_find_by_thread(pid) ? -EINVAL : -ESRCH;
    } else {
        if (!p->pidref) {
            spare->id = (struct task_id){.pid = pid, .serial = p->serial};
            spare->over = p->zombie;
            pidref_tick(spare, p);
            WRITE_ONCE(p->pidref, spare); /* the tick looks */
            spare = NULL;
        }
        *out = p->pidref;
        pidref_get(*out);
    }
    spin_unlock_irq(&proc_lock, flags);
    if (spare)
        pidref_put(spare);
    return err;
}

long sys_pidfd_open(const struct syscall_args *a)
{
    s32 pid = (s32)a->a0;
    struct pidref *r;
    struct file *f;
    int err;

    if ((u32)a->a1 & ~PIDFD_NONBLOCK || pid <= 0)
        return -EINVAL;
    err = pidref_of(pid, &r);
    if (err)
        return err;
    err = create(r, (u32)a->a1, &f);
    if (err) {
        pidref_put(r);
        return err;
    }
    return install_file(f, true);
}

long sys_pidfd_send_signal(const struct syscall_args *a)
{
    struct task_id id;
    struct file *f;
    bool nonblock;
    int err;

    if ((u32)a->a3)
        return -EINVAL;
    err = pidfd_identify((s32)a->a0, &id, &nonblock);
    if (err) { /* a directory of /proc names a process as well */
        f = io_file_of((s32)a->a0);
        if (f && procfs_file_process(f, &id))
            err = 0;
        if (f)
            file_put(f);
    }
    return err ? err : signal_to_process(&id, (s32)a->a1, a->a2);
}

/* The descriptors of a process one may look into. */
static int files_of(const struct task_id *id, struct fdtable **out)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct thread *t = NULL;
    const struct proc *p = task_find(id, &t);
    int err = -ESRCH;

    if (t && t->files)
        err = proc_may_look(p, t, REAL_IDS) ? 0 : -EPERM;
    if (!err) {
        *out = t->files;
        fdtable_get(*out);
    }
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

long sys_pidfd_getfd(const struct syscall_args *a)
{
    struct fdtable *files;
    struct task_id id;
    struct file *f;
    bool nonblock;
    int err;

    if ((u32)a->a2)
        return -EINVAL;
    err = pidfd_identify((s32)a->a0, &id, &nonblock);
    if (!err)
        err = files_of(&id, &files);
    if (err)
        return err;
    f = fd_get(files, (s32)a->a1);
    fdtable_put(files);
    return f ? install_file(f, true) : -EBADF;
}

/* ---- memory of those who end ---- */

/* The memory of a process that ends, as does everybody who shares it; its record is held. -ESRCH:
 * it has given it up. -EINVAL: somebody goes on. */
static int dying_memory(const struct task_id *id, struct mm **out)
{
    struct procs w = procs_begin_all();
    struct thread *t = NULL;
    const struct proc *p = task_find(id, &t);
    struct mm *mm = p ? p->mm : NULL;
    int err = mm ? 0 : -ESRCH;

    if (mm)
        mm_hold(mm);
    for (; !err && p; p = procs_next(&w))
        if (p->mm == mm && !proc_is_ending(p))
            err = -EINVAL;
    procs_end(&w);
    if (err && mm)
        mm_unhold(mm);
    *out = mm;
    return err;
}

/* Who is killed gives its memory back by itself: what is left to do is to wait. */
static int wait_for_release(struct pidref *r)
{
    struct mm *mm;
    int err = dying_memory(&r->id, &mm);

    if (err)
        return err;
    err = waitq_wait_until(&r->ended, READ_ONCE(r->over),
                           clock_monotonic_ns() + RELEASE_NS);
    if (err == -ETIMEDOUT)
        err = -EAGAIN;
    if (!err && mm_tryget(mm)) { /* others have it still */
        mm_put(mm);
        err = -EAGAIN;
    }
    mm_unhold(mm);
    return err;
}

long sys_process_mrelease(const struct syscall_args *a)
{
    struct file *f;
    long err = -EBADF;

    if ((u32)a->a1)
        return -EINVAL;
    f = io_file_of((s32)a->a0);
    if (f && f->ops == &pidfd_ops)
        err = wait_for_release(f->data);
    if (f)
        file_put(f);
    return err;
}
