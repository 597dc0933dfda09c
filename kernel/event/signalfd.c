/* SPDX-License-Identifier: MIT
 *
 * signalfd(2): blocked signals are read instead of delivered. Who reads or polls gets those of
 * the process it belongs to; so each process that does has a wait queue, which stays as long
 * as a file may be on it.
 */
#include "kernel/event/signalfd.h"
#include "fs/anon.h"
#include "kernel/event/posix_timer.h"
#include "kernel/procfs/seq.h"
#include "kernel/sys/fs.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/epoll.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/phys/slab.h"

struct sigwait {
    u32 refs; /* atomic: the process, files */
    struct waitq q;
};

/* A queue that somebody joined through the file. */
struct hold {
    struct list link;
    struct sigwait *wait;
};

struct signalfd {
    u64 mask;          /* one word */
    struct mutex lock; /* holds */
    struct list holds;
};

/* What a read gives for each signal. */
struct signalfd_siginfo {
    u32 signo;
    s32 error, code;
    u32 pid, uid;
    s32 fd;
    u32 tid, band, overrun, trapno;
    s32 status, value_int;
    u64 value_ptr, utime, stime, addr;
    u16 addr_lsb, pad1;
    s32 syscall;
    u64 call_addr;
    u32 arch;
    u8 pad[28];
};
STATIC_ASSERT(sizeof(struct signalfd_siginfo) == 128);

void sigwait_put(struct sigwait *w)
{
    if (!w || __atomic_sub_fetch(&w->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    waitq_fini(&w->q);
    kfree(w);
}

void sigwait_wake(struct sigwait *w)
{
    waitq_wake_all(&w->q);
}

/* The running process's, made when it is missing; NULL: no memory. */
static struct sigwait *own_wait(void)
{
    struct proc *p = current_proc();
    struct sigwait *w = READ_ONCE(p->sigwait), *other;
    irqflags_t flags;

    if (w)
        return w;
    w = kmalloc(sizeof(*w));
    if (!w)
        return NULL;
    w->refs = 1;
    waitq_init(&w->q);
    flags = spin_lock_irq(&p->sig.lock);
    other = p->sigwait;
    if (!other)
        WRITE_ONCE(p->sigwait, w);
    spin_unlock_irq(&p->sig.lock, flags);
    if (!other)
        return w;
    kfree(w);
    return other;
}

static void hold_end(struct hold *h)
{
    list_del(&h->link);
    sigwait_put(h->wait);
    kfree(h);
}

/* Its process has ended, and nobody is in the queue: it was the last to hold it. */
static bool is_left(const struct hold *h)
{
    struct waitq *q = &h->wait->q;

    if (__atomic_load_n(&h->wait->refs, __ATOMIC_ACQUIRE) != 1)
        return false;
    SCOPED_LOCK_IRQ(&q->lock);
    return list_empty(&q->waiters);
}

/* The same, and it stays until the file is closed. */
static struct sigwait *held_wait(struct signalfd *s)
{
    struct sigwait *w = own_wait();
    SCOPED_LOCK(&s->lock);
    struct list *pos, *next;
    struct hold *h;

    if (!w)
        return NULL;
    list_for_each_safe (pos, next, &s->holds) {
        h = list_entry(pos, struct hold, link);
        if (h->wait == w)
            return w;
        if (is_left(h)) /* else processes that come and go would leave ever more */
            hold_end(h);
    }
    h = kmalloc(sizeof(*h));
    if (!h)
        return NULL;
    __atomic_fetch_add(&w->refs, 1, __ATOMIC_RELAXED);
    h->wait = w;
    list_add(&s->holds, &h->link);
    return w;
}

static void fill(struct signalfd_siginfo *out, int signo, const struct sig_record *rec)
{
    struct siginfo info;

    signal_fill_info(&info, signo, rec);
    *out = (struct signalfd_siginfo){
        .signo = (u32)signo, .error = info.si_errno, .code = rec->code};
    if (rec->code == SI_TIMER) {
        out->tid = (u32)rec->pid;
        out->overrun = rec->uid;
    } else if (signo == SIGCHLD && rec->code > 0 && rec->code != SI_KERNEL) {
        out->status = rec->status;
        out->utime = rec->utime;
        out->stime = rec->stime;
    }
    if (rec->code != SI_TIMER) {
        out->pid = (u32)info.si_pid;
        out->uid = info.si_uid;
    }
    out->value_ptr = rec->value;
    out->value_int = (s32)rec->value;
}

/* One of the set that waits: its number, 0: none. */
static int take(u64 set, struct signalfd_siginfo *out)
{
    struct thread *t = current_thread();
    struct list trash = LIST_INIT(trash);
    struct sig_record rec;
    irqflags_t flags;
    int signo;

    do {
        flags = spin_lock_irq(&t->proc->sig.lock);
        signo = signal_take(t, set, &rec, &trash);
        spin_unlock_irq(&t->proc->sig.lock, flags);
        signal_free(t->proc, &trash);
    } while (posix_timers_rearm(t->proc) && !signo);
    if (signo)
        fill(out, signo, &rec);
    return signo;
}

static ssize_t signalfd_read(struct file *f, struct uio *u, u64 *pos)
{
    struct signalfd *s = f->data;
    u64 set = READ_ONCE(s->mask);
    struct signalfd_siginfo info;
    struct sigwait *w = own_wait(); /* lives as long as the process */
    ssize_t done = 0;
    int signo, err = 0;

    (void)pos;
    if (u->left < sizeof(info))
        return -EINVAL;
    if (!w)
        return -ENOMEM;
    signo = take(set, &info);
    if (!signo) {
        if (file_flags(f) & O_NONBLOCK || u->nonblock)
            return -EAGAIN;
        err = waitq_wait(&w->q, (signo = take(set, &info)) != 0);
    }
    while (!err && signo) {
        if (uio_copy_to(u, &info, sizeof(info)) != sizeof(info))
            return done ? done : -EFAULT;
        done += (ssize_t)sizeof(info);
        signo = u->left < sizeof(info) ? 0 : take(set, &info);
        pause_anyway();
    }
    return done ? done : err;
}

static u32 signalfd_poll(struct file *f, struct poll_table *pt)
{
    struct signalfd *s = f->data;
    const struct thread *t = current_thread();
    struct sigwait *w = pt ? held_wait(s) : NULL;

    if (pt && !w)
        return POLLERR; /* no memory to wait with */
    if (w)
        poll_add(pt, &w->q);
    if (!t->proc)
        return 0;
    return (signals_of(t) | READ_ONCE(t->proc->pending)) & READ_ONCE(s->mask) ? POLLIN
                                                                              : 0;
}

static void signalfd_show(struct file *f, struct seq *s)
{
    seq_printf(s, "sigmask:\t%016lx\n", READ_ONCE(((struct signalfd *)f->data)->mask));
}

static void signalfd_release(struct file *f)
{
    struct signalfd *s = f->data;

    while (!list_empty(&s->holds))
        hold_end(list_entry(s->holds.next, struct hold, link));
    kfree(s);
}

static const struct file_ops signalfd_ops = {.read = signalfd_read,
                                             .poll = signalfd_poll,
                                             .show = signalfd_show,
                                             .release = signalfd_release};

static long create(u64 mask, u32 flags)
{
    struct signalfd *s = kzalloc(sizeof(*s));
    struct file *f;
    int err;

    if (!s)
        return -ENOMEM;
    s->mask = mask;
    mutex_init(&s->lock);
    list_init(&s->holds);
    err = anon_create(ANON_SIGNALFD, &signalfd_ops, O_RDWR | (flags & O_NONBLOCK), s, &f);
    if (err) {
        kfree(s);
        return err;
    }
    return install_file(f, flags & O_CLOEXEC);
}

/* Another mask for a file that is there: its number. */
static long change(int fd, u64 mask)
{
    struct sigwait *w = READ_ONCE(current_proc()->sigwait);
    struct file *f = io_file_of(fd);
    long result = fd;

    if (!f)
        return -EBADF;
    if (f->ops == &signalfd_ops)
        WRITE_ONCE(((struct signalfd *)f->data)->mask, mask);
    else
        result = -EINVAL;
    file_put(f);
    if (w)
        sigwait_wake(w); /* what waits may be in the set now */
    return result;
}

static long signalfd(const struct syscall_args *a, u32 flags)
{
    int fd = (s32)a->a0;
    u64 mask;

    if (a->a2 != sizeof(mask))
        return -EINVAL;
    if (copy_from_user(&mask, a->a1, sizeof(mask)) != 0)
        return -EFAULT;
    if (flags & ~(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    mask &= ~SIG_UNBLOCKABLE;
    return fd == -1 ? create(mask, flags) : change(fd, mask);
}

long sys_signalfd(const struct syscall_args *a)
{
    return signalfd(a, 0);
}

long sys_signalfd4(const struct syscall_args *a)
{
    return signalfd(a, (u32)a->a3);
}
