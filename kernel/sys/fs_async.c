/* SPDX-License-Identifier: MIT
 *
 * Signals that tell of events of a file, and SIGURG. A watch on the file's wait queue notes that something
 * happened, in whatever context and under whatever locks it does; a thread of the kernel, which
 * goes before all others, then looks at the file and sends the signal.
 */
#include "kernel/sys/fs_async.h"
#include "fs/anon.h"
#include "kernel/panic.h"
#include "kernel/sys/fs.h"
#include "kernel/task/proc.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/sched/policy.h"
#include "kernel/task/sched/thread.h"
#include "kernel/task/sched/wake.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/sched.h"
#include "mm/phys/slab.h"

/* si_code and si_band of an event, poll(2). */
#define CODE_IN  1
#define CODE_OUT 2
#define BAND_IN  (POLLIN | POLLRDNORM)
#define BAND_OUT (POLLOUT | POLLWRNORM | 0x200u /* POLLWRBAND */)

enum owner { NOBODY, THREAD, PROCESS, GROUP };

struct file_async {
    struct file *file;
    bool on;
    int signo; /* F_SETSIG; 0: SIGIO without particulars */
    int fd;
    enum owner kind;
    struct task_id id; /* THREAD, PROCESS; GROUP: pid is its number, */
    u64 born;          /* and it was there when processes had serials up to this */
    u32 uid, euid;     /* of who set the owner */
    struct poll_table table;
    struct poll_link links[POLL_QUEUES];
    struct list noted; /* in `noted_files`; empty: not there */
    bool urgent;       /* [noted_lock] SIGURG is due, whether `on` or not */
};

static struct mutex async_lock; /* settings; and files do not go while one is looked at */
static spinlock_t noted_lock;   /* irq-safe, below those of wait queues */
static struct list noted_files = LIST_INIT(noted_files);
static struct thread *sender;

/* ---- sending ---- */

static void enlist(struct file_async *a)
{
    REQUIRES(&noted_lock);
    if (list_empty(&a->noted))
        list_add_tail(&noted_files, &a->noted);
}

static bool note(struct waitq_entry *e)
{
    irqflags_t flags = spin_lock_irq(&noted_lock);

    enlist(e->thread);
    spin_unlock_irq(&noted_lock, flags);
    thread_unpark(sender);
    return true;
}

void file_async_urgent(struct file *f)
{
    irqflags_t flags;
    bool owned;

    if (!READ_ONCE(f->async))
        return;
    flags = spin_lock_irq(&noted_lock);
    owned = f->async != NULL;
    if (owned) {
        f->async->urgent = true;
        enlist(f->async);
    }
    spin_unlock_irq(&noted_lock, flags);
    if (owned)
        thread_unpark(sender);
}

/* As on Linux: to whom the one who set the owner could send a signal. */
static bool may_send(const struct file_async *a, const struct cred *c)
{
    return a->euid == 0 || a->euid == c->suid || a->euid == c->uid || a->uid == c->suid ||
           a->uid == c->uid;
}

/* events 0: SIGURG. */
static void send(const struct file_async *a, struct proc *p, struct thread *t, u32 events,
                 struct sig_queued **spare)
{
    bool in = events & (POLLIN | POLLHUP);
    /* si_band lies where si_pid and si_uid do, si_fd in si_value. */
    struct siginfo info = {.si_signo = a->signo,
                           .si_code = in ? CODE_IN : CODE_OUT,
                           .si_pid = in ? BAND_IN : BAND_OUT,
                           .si_value = (u32)a->fd};

    struct sig_record rec;

    if (!may_send(a, cred_of(p, t)))
        return;
    if (!events) {
        signal_send_record(p, t, SIGURG, NULL, spare);
        return;
    }
    signal_read_info(&rec, &info);
    signal_send_record(p, t, a->signo ? a->signo : SIGIO, a->signo ? &rec : NULL, spare);
}

static void send_group(const struct file_async *a, u32 events, struct sig_queued **spare)
{
    struct procs w = procs_begin(a->id.pid);
    const struct proc *leader = proc_find(a->id.pid);
    struct proc *p;

    /* Or the number is another's by now. */
    while ((!leader || leader->serial <= a->born) &&
           (p = signal_next(&w, a->signo, spare))) {
        if (!p->zombie)
            send(a, p, NULL, events, spare);
        leader = proc_find(a->id.pid);
    }
    procs_end(&w);
}

static void tell_owner(const struct file_async *a, u32 events, struct sig_queued **spare)
{
    struct thread *t = NULL;
    struct proc *p;
    irqflags_t flags;

    if (a->kind == GROUP) {
        send_group(a, events, spare);
        return;
    }
    flags = spin_lock_irq(&proc_lock);
    if (a->kind != NOBODY) {
        p = task_find(&a->id, &t);
        if (p && !p->zombie && (a->kind == PROCESS || t))
            send(a, p, a->kind == THREAD ? t : NULL, events, spare);
    }
    spin_unlock_irq(&proc_lock, flags);
}

static void tell(const struct file_async *a, bool urgent, struct sig_queued **spare)
{
    u32 events = a->file->ops->poll(a->file, NULL);

    if (urgent)
        tell_owner(a, 0, spare);
    if (a->on && events & (POLLIN | POLLOUT | POLLHUP | POLLERR))
        tell_owner(a, events, spare);
}

static struct file_async *take_noted(bool *urgent)
{
    irqflags_t flags = spin_lock_irq(&noted_lock);
    struct list *first = list_first(&noted_files);

    if (first) {
        struct file_async *a = list_entry(first, struct file_async, noted);

        list_del(first);
        list_init(first);
        *urgent = a->urgent;
        a->urgent = false;
    }
    spin_unlock_irq(&noted_lock, flags);
    return first ? list_entry(first, struct file_async, noted) : NULL;
}

static void send_noted(void *arg)
{
    (void)arg;
    for (;;) {
        struct sig_queued *spare = NULL;
        struct file_async *a;
        bool urgent;

        mutex_lock(&async_lock);
        a = take_noted(&urgent);
        if (a) {
            spare = signal_spare(a->signo);
            tell(a, urgent, &spare);
        }
        if (spare)
            signal_spare_free(spare);
        mutex_unlock(&async_lock);
        if (!a)
            thread_park();
    }
}

void file_async_init(void)
{
    mutex_init(&async_lock);
    sender = thread_create(NULL, "async", send_noted, NULL);
    if (!sender)
        panic("no memory for the thread that sends signals of files");
    sched_set_policy(sender, SCHED_FIFO, 99, NULL);
    thread_launch(sender);
}

/* ---- settings; async_lock held ---- */

static struct file_async *async_of(struct file *f)
{
    REQUIRES(&async_lock);
    struct file_async *a = f->async;
    irqflags_t flags;

    if (a)
        return a;
    a = kzalloc(sizeof(*a));
    if (!a)
        return NULL;
    a->file = f;
    list_init(&a->noted);
    flags = spin_lock_irq(&noted_lock);
    WRITE_ONCE(f->async, a);
    spin_unlock_irq(&noted_lock, flags);
    return a;
}

static void stop_watching(struct file_async *a)
{
    REQUIRES(&async_lock);
    irqflags_t flags;

    poll_leave(&a->table);
    flags = spin_lock_irq(&noted_lock);
    list_del(&a->noted);
    list_init(&a->noted);
    spin_unlock_irq(&noted_lock, flags);
}

void file_async_end(struct file_async *a)
{
    irqflags_t flags;

    mutex_lock(&async_lock);
    flags = spin_lock_irq(&noted_lock);
    WRITE_ONCE(a->file->async, NULL); /* no more urgent() */
    spin_unlock_irq(&noted_lock, flags);
    stop_watching(a);
    mutex_unlock(&async_lock);
    kfree(a);
}

int file_async_switch(int fd, struct file *f, bool on)
{
    struct file_async *a;
    int err = 0;

    if (on == !!(file_flags(f) & O_ASYNC))
        return 0;
    /* Nor could all others be asked with async_lock held: an epoll lets go of files. */
    if (!f->ops->poll || file_is_anon(f))
        return -ENOTTY;
    mutex_lock(&async_lock);
    a = on ? async_of(f) : f->async;
    if (a && on && !a->on) {
        a->on = true;
        a->fd = fd;
        a->table = (struct poll_table){
            .links = a->links, .max = POLL_QUEUES, .wake = note, .watcher = a};
        f->ops->poll(f, &a->table);
    } else if (a && !on) {
        a->on = false;
        stop_watching(a);
    } else if (!a && on) {
        err = -ENOMEM;
    }
    if (!err)
        file_change_flags(f, O_ASYNC, on ? O_ASYNC : 0);
    mutex_unlock(&async_lock);
    return err;
}

static int set_owner(struct file_async *a, enum owner kind, s32 number)
{
    const struct cred *c = own_cred();
    struct file_async new = {.kind = number ? kind : NOBODY, .id.pid = number};
    irqflags_t flags;
    bool found = true;

    if (new.kind == GROUP) {
        flags = spin_lock_irq(&proc_lock);
        found = group_first(number) != NULL;
        new.born = proc_next_serial();
        spin_unlock_irq(&proc_lock, flags);
    } else if (new.kind != NOBODY) {
        found = number > 0 && task_identify(0, number, &new.id);
    }
    if (!found)
        return -ESRCH;
    a->kind = new.kind;
    a->id = new.id;
    a->born = new.born;
    a->uid = c->uid;
    a->euid = c->euid;
    return 0;
}

/* Its number, 0 when there is none or it has gone. */
static s32 owner_number(const struct file_async *a)
{
    struct thread *t = NULL;
    irqflags_t flags;
    s32 number = 0;

    if (!a || a->kind == NOBODY)
        return 0;
    flags = spin_lock_irq(&proc_lock);
    if (a->kind == GROUP ? group_first(a->id.pid) != NULL : task_find(&a->id, &t) != NULL)
        number = a->id.tid ? a->id.tid : a->id.pid;
    spin_unlock_irq(&proc_lock, flags);
    return number;
}

struct owner_ex {
    s32 type, pid;
};

static long set_owner_ex(struct file_async *a, const struct owner_ex *ex)
{
    switch (ex->type) {
    case F_OWNER_TID:
        return set_owner(a, THREAD, ex->pid);
    case F_OWNER_PID:
        return set_owner(a, PROCESS, ex->pid);
    case F_OWNER_PGRP:
        return set_owner(a, GROUP, ex->pid);
    default:
        return -EINVAL;
    }
}

static long get(const struct file_async *a, u32 cmd, struct owner_ex *ex)
{
    s32 number;

    if (cmd == F_GETSIG)
        return a ? a->signo : 0;
    number = owner_number(a);
    *ex = (struct owner_ex){.type = a && a->kind == GROUP     ? F_OWNER_PGRP
                                    : a && a->kind == PROCESS ? F_OWNER_PID
                                                              : F_OWNER_TID,
                            .pid = number};
    if (cmd == F_GETOWN_EX)
        return 0;
    return a && a->kind == GROUP ? -number : number;
}

static long set(struct file_async *a, u32 cmd, u64 arg, const struct owner_ex *ex)
{
    s32 number = (s32)arg;

    switch (cmd) {
    case F_SETSIG:
        a->signo = number;
        return 0;
    case F_SETOWN_EX:
        return set_owner_ex(a, ex);
    default:
        return number < 0 ? set_owner(a, GROUP, -number) : set_owner(a, PROCESS, number);
    }
}

long file_async_control(struct file *f, u32 cmd, u64 arg)
{
    bool sets = cmd == F_SETSIG || cmd == F_SETOWN || cmd == F_SETOWN_EX;
    struct owner_ex ex;
    struct file_async *a;
    long result;

    if ((cmd == F_SETSIG && arg > NSIG) || (cmd == F_SETOWN && (u32)arg == 1u << 31))
        return -EINVAL;
    /* The program's memory is not touched with the lock held: a fault may take for ever. */
    if (cmd == F_SETOWN_EX && copy_from_user(&ex, arg, sizeof(ex)) != 0)
        return -EFAULT;
    mutex_lock(&async_lock);
    a = sets ? async_of(f) : f->async;
    result = !sets ? get(a, cmd, &ex) : a ? set(a, cmd, arg, &ex) : -ENOMEM;
    mutex_unlock(&async_lock);
    if (cmd == F_GETOWN_EX && copy_to_user(arg, &ex, sizeof(ex)) != 0)
        return -EFAULT;
    return result;
}
