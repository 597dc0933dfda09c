/* SPDX-License-Identifier: MIT
 *
 * Requests to the master of a pseudo-terminal: ioctl_tty(2), "Pseudoterminal ioctls". What is
 * not one of these acts on the slave.
 */
#include "fs/fdtable.h"
#include "fs/open.h"
#include "kernel/task/limits.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "kernel/term/ldisc_out.h"
#include "kernel/term/pty_own.h"
#include "kernel/term/tty_ioctl.h"
#include "lib/fmt.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

/* A descriptor of the slave, by its name: what a program that knows the number would do. */
static long open_peer(struct pty *p, u32 flags)
{
    struct proc *me = current_proc();
    char name[24];
    struct file *f;
    int err, fd;

    if (flags & ~(u32)(O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    fmt_snprintf(name, sizeof(name), "/dev/pts/%u", p->index);
    err = vfs_open(current_fs(), NULL, name, flags & ~(u32)O_CLOEXEC, 0, &f);
    if (err)
        return err;
    if (f->ops != &pty_slave_ops || f->data != &p->tty) {
        file_put(f);
        return -EIO;
    }
    fd = fd_install(current_thread()->files, f, 0,
                    (u32)MIN(proc_rlimit(me, RLIMIT_NOFILE), (u64)INT32_MAX),
                    flags & O_CLOEXEC);
    if (fd < 0)
        file_put(f);
    return fd;
}

static long put_u32(uintptr_t arg, u32 value)
{
    return copy_to_user(arg, &value, sizeof(value));
}

static long get_switch(uintptr_t arg, bool *on)
{
    u32 value;

    if (copy_from_user(&value, arg, sizeof(value)) != 0)
        return -EFAULT;
    *on = value != 0;
    return 0;
}

static long send_signal(struct tty *t, u64 signo)
{
    s32 group = READ_ONCE(t->foreground);

    if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP)
        return -EINVAL; /* who has the master may do what the keys can, no more */
    if (group)
        signal_send_group(group, (int)signo, 0, 0);
    return 0;
}

long pty_ioctl(struct file *f, u32 cmd, uintptr_t arg)
{
    struct pty *p = pty_of(f);
    struct tty *t = &p->tty;
    bool on;
    long err;

    switch (cmd) {
    case TIOCGPTN:
        return put_u32(arg, p->index);
    case TIOCSPTLCK:
        err = get_switch(arg, &on);
        if (!err)
            WRITE_ONCE(p->locked, on);
        return err;
    case TIOCGPTLCK:
        return put_u32(arg, p->locked);
    case TIOCPKT:
        err = get_switch(arg, &on);
        if (!err)
            ldisc_out_set_packets(&t->ld, on);
        return err;
    case TIOCGPKT:
        return put_u32(arg, ldisc_out_packets(&t->ld));
    case TIOCGPTPEER:
        return open_peer(p, (u32)arg);
    case TIOCSIG:
        return send_signal(t, arg);
    case TIOCGPGRP:
        return put_u32(arg, (u32)READ_ONCE(t->foreground));
    case TIOCGSID:
        return t->session ? put_u32(arg, (u32)t->session) : -ENOTTY;
    case FIONREAD:
        return put_u32(arg, ldisc_out_ready(&t->ld));
    case TIOCSCTTY: /* what becomes the controlling terminal is the other end */
        return tty_claim(f, t, arg);
    case TIOCNOTTY:
        return -ENOTTY;
    case TIOCSTI: /* nobody types at this end */
        return -EOPNOTSUPP;
    default:
        return tty_request(t, cmd, arg);
    }
}
