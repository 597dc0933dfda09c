/* SPDX-License-Identifier: MIT
 *
 * The console as a file: reading with the rules of VMIN and VTIME, writing, waiting, and
 * who may do it when. Requests are in kernel/term/tty_ioctl.c.
 */
#include "kernel/term/tty.h"
#include "arch/console.h"
#include "arch/time.h"
#include "kernel/devices.h"
#include "kernel/random.h"
#include "kernel/task/family.h"
#include "kernel/task/jobs.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "kernel/term/console.h"
#include "kernel/term/ldisc_edit.h"
#include "kernel/term/ldisc_out.h"
#include "kernel/term/pty.h"
#include "kernel/term/screen.h"
#include "kernel/term/tty_ioctl.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

#define CHUNK   256u
#define TENTH   100000000ull /* ns; the unit of VTIME */
#define CONSOLE DEVICE(5, 1)

struct tty console_tty;

void console_input(u8 byte)
{
    struct tty *t = &console_tty;
    int signo = ldisc_input(&t->ld, byte);
    s32 group = READ_ONCE(t->foreground);

    console_flush();
    random_stir(byte);
    if (signo && group)
        job_key(group, signo);
}

size_t tty_type(struct tty *t, const u8 *bytes, size_t n)
{
    size_t i;

    for (i = 0; i < n && ldisc_room(&t->ld); i++) {
        u32 piece = 0;
        int signo;
        s32 group;

        while (ldisc_input_piece(&t->ld, bytes[i], &signo) && ++piece < LDISC_PIECES)
            pause_anyway();
        group = READ_ONCE(t->foreground);

        if (signo && group)
            signal_send_group(group, signo, 0, 0);
        pause_anyway();
    }
    return i;
}

long tty_type_one(struct tty *t, uintptr_t arg)
{
    u8 byte;

    if (current_proc()->tty != t && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (copy_from_user(&byte, arg, sizeof(byte)) != 0)
        return -EFAULT;
    (void)tty_type(t, &byte,
                   sizeof(byte)); /* as from a keyboard: lost where there is no room */
    if (t == &console_tty)
        console_flush();
    return 0;
}

s32 tty_foreground(const struct tty *t)
{
    return t->foreground;
}

u64 tty_device(const struct tty *t)
{
    return t ? t->device : 0;
}

static bool ignores(const struct proc *p, int signo)
{
    return p->sig.actions->of[signo].sa_handler == SIG_IGN ||
           current_thread()->blocked & sig_bit(signo);
}

int tty_check_background(struct tty *t, int signo)
{
    struct proc *p = current_proc();
    irqflags_t flags = spin_lock_irq(&proc_lock);
    s32 group = p->pgid;
    bool background = p->tty == t && t->foreground && t->foreground != group;
    bool stopped,
        orphaned = background && group_is_orphaned(group, p->sid, NULL, &stopped, &flags);

    spin_unlock_irq(&proc_lock, flags);
    if (!background)
        return 0;
    if (ignores(p, signo))
        return signo == SIGTTOU ? 0 : -EIO; /* a reader would get nothing, for ever */
    if (orphaned)
        return -EIO;
    signal_send_group(group, signo, 0, 0);
    return -ERESTARTSYS;
}

/* ---- leaving ---- */

static bool forget_tty(struct proc *p, void *arg)
{
    const struct proc *leader = arg;

    if (p->sid == leader->sid)
        p->tty = NULL;
    return true;
}

void tty_detach(struct proc *p)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct tty *t = p->tty;
    s32 group = 0;
    bool leads = t && p->pid == p->sid && t->session == p->sid;

    p->tty = NULL;
    if (leads) {
        group = t->foreground;
        t->session = t->foreground = 0;
    }
    spin_unlock_irq(&proc_lock, flags);
    if (!leads)
        return;
    proc_for_each(forget_tty, p);
    if (group) {
        signal_send_group(group, SIGHUP, 0, 0);
        signal_send_group(group, SIGCONT, 0, 0);
    }
}

static bool lose_tty(struct proc *p, void *arg)
{
    if (p->tty == arg)
        p->tty = NULL;
    return true;
}

void tty_hangup(struct tty *t)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    s32 session = t->session, group = t->foreground;
    struct proc *leader = session ? proc_find(session) : NULL;

    WRITE_ONCE(t->hung, true);
    t->session = t->foreground = 0;
    if (leader && leader->sid == session) {
        signal_send_proc(leader, SIGHUP);
        signal_send_proc(leader, SIGCONT);
    }
    spin_unlock_irq(&proc_lock, flags);
    waitq_wake_all(&t->ld.readers);
    waitq_wake_all(&t->ld.writers);
    if (session)
        proc_for_each(lose_tty, t);
    if (group) {
        signal_send_group(group, SIGHUP, 0, 0);
        signal_send_group(group, SIGCONT, 0, 0);
    }
}

/* ---- reading ---- */

/* Waits for `want` bytes (raw) or a line: 0, or an error; -ETIMEDOUT at the deadline. */
static int wait_input(struct tty *t, u64 deadline)
{
    return waitq_wait_until(&t->ld.readers, ldisc_readable(&t->ld) || READ_ONCE(t->hung),
                            deadline);
}

static u64 from_now(u64 tenths)
{
    return clock_monotonic_ns() + tenths * TENTH;
}

/* When the next byte is due at the latest, after `got` bytes. */
static u64 raw_deadline(const struct kernel_termios *t, size_t got)
{
    if (!t->c_cc[VTIME] || (t->c_cc[VMIN] && !got))
        return NO_DEADLINE;
    return from_now(t->c_cc[VTIME]);
}

/* VMIN, VTIME: POSIX 11.1.7. */
static ssize_t read_raw(struct tty *t, struct uio *u, bool wait)
{
    size_t want = MIN(u->left, (size_t)MAX(t->ld.termios.c_cc[VMIN], (u8)1)), got = 0;
    u8 bytes[CHUNK];
    bool end;

    for (;;) {
        size_t n = ldisc_take(&t->ld, bytes, MIN(u->left, sizeof(bytes)), &end);
        const struct kernel_termios *now = &t->ld.termios;

        if (n) {
            if (uio_copy_to(u, bytes, n) < n)
                return got ? (ssize_t)got : -EFAULT;
            got += n;
            if (!u->left)
                return (ssize_t)got;
            continue;
        }
        if (got >= want || (!now->c_cc[VMIN] && (got || !now->c_cc[VTIME])))
            return (ssize_t)got;
        if (!wait)
            return got ? (ssize_t)got : -EAGAIN;
        int err = wait_input(t, raw_deadline(now, got));
        if (err == -ETIMEDOUT)
            return (ssize_t)got;
        if (err)
            return got ? (ssize_t)got : err;
        if (t->ld.termios.c_lflag & ICANON || READ_ONCE(t->hung))
            return (ssize_t)got;
    }
}

/* -EAGAIN: another reader has taken the line. */
static ssize_t read_line(struct tty *t, struct uio *u)
{
    u8 bytes[CHUNK];
    size_t got = 0;
    bool end = false;

    while (u->left && !end) {
        size_t n = ldisc_take(&t->ld, bytes, MIN(u->left, sizeof(bytes)), &end);

        if (uio_copy_to(u, bytes, n) < n)
            return got ? (ssize_t)got : -EFAULT;
        got += n;
        if (n == 0)
            break;
    }
    return got || end ? (ssize_t)got : -EAGAIN;
}

ssize_t tty_read(struct file *f, struct uio *u, u64 *pos)
{
    struct tty *t = f->data;
    int err;

    (void)pos;
    for (;;) {
        err = tty_check_background(t, SIGTTIN);
        if (err)
            return err;
        if (!u->left || READ_ONCE(t->hung))
            return 0;
        bool readable = ldisc_readable(&t->ld);
        bool wait = !(file_flags(f) & O_NONBLOCK);
        if (!(t->ld.termios.c_lflag & ICANON))
            return read_raw(t, u, wait);
        if (!readable && !wait)
            return -EAGAIN;
        if (readable) {
            ssize_t n = read_line(t, u);

            if (n != -EAGAIN)
                return n;
            continue;
        }
        err = wait_input(t, NO_DEADLINE);
        if (err)
            return err;
    }
}

/* ---- writing ---- */

ssize_t tty_write(struct file *f, struct uio *u, u64 *pos)
{
    struct tty *t = f->data;
    size_t done = 0;
    u8 bytes[CHUNK];
    int err = 0;

    (void)pos;
    if (t->ld.termios.c_lflag & TOSTOP)
        err = tty_check_background(t, SIGTTOU);
    while (u->left && !err) {
        size_t part = MIN(u->left, sizeof(bytes));
        size_t n = uio_copy_from(u, bytes, part), out = 0;

        if (READ_ONCE(t->hung))
            err = -EIO;

        while (out < n && !err) {
            out += ldisc_output(&t->ld, bytes + out, n - out);
            if (out < n)
                err = file_flags(f) & O_NONBLOCK
                          ? -EAGAIN
                          : waitq_wait(&t->ld.writers,
                                       ldisc_writable(&t->ld) || READ_ONCE(t->hung));
            if (READ_ONCE(t->hung))
                err = -EIO;
        }
        pause_anyway();
        done += out;
        if (n < part && !err)
            err = -EFAULT;
        if (u->left && !err && thread_interrupted())
            err = -ERESTARTSYS;
    }
    if (!t->ld.out)
        console_flush();
    return done ? (ssize_t)done : err;
}

u32 tty_poll(struct file *f, struct poll_table *pt)
{
    struct tty *t = f->data;
    const struct kernel_termios *now = &t->ld.termios;
    u32 events = 0, want = 1;

    poll_add(pt, &t->ld.readers);
    poll_add(pt, &t->ld.writers);
    if (!(now->c_lflag & ICANON) && !now->c_cc[VTIME] && now->c_cc[VMIN])
        want = now->c_cc[VMIN];
    if (ldisc_readable(&t->ld) && (want == 1 || ldisc_available(&t->ld) >= want))
        events |= POLLIN | POLLRDNORM;
    if (READ_ONCE(t->hung))
        events |= POLLIN | POLLRDNORM | POLLERR | POLLHUP | POLLOUT | POLLWRNORM;
    if (ldisc_writable(&t->ld))
        events |= POLLOUT | POLLWRNORM;
    return events;
}

/* ---- opening ---- */

static int console_open(struct file *f)
{
    f->data = &console_tty;
    return 0;
}

/* /dev/tty is whatever terminal controls the process. */
static int own_tty_open(struct file *f)
{
    struct proc *p = current_proc();
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct tty *t = p->tty;
    bool own = t && t->session == p->sid;

    spin_unlock_irq(&proc_lock, flags);
    f->data = t;
    if (!own)
        return -ENXIO;
    return t->hold ? t->hold(t) : 0;
}

static void own_tty_release(struct file *f)
{
    struct tty *t = f->data;

    if (t->drop)
        t->drop(t);
}

static const struct file_ops console_ops = {.open = console_open,
                                            .read = tty_read,
                                            .write = tty_write,
                                            .ioctl = tty_ioctl,
                                            .poll = tty_poll};
static const struct file_ops own_tty_ops = {.open = own_tty_open,
                                            .release = own_tty_release,
                                            .read = tty_read,
                                            .write = tty_write,
                                            .ioctl = tty_ioctl,
                                            .poll = tty_poll};

void tty_init(void)
{
    u32 cols, rows;

    ldisc_init(&console_tty.ld);
    console_tty.device = CONSOLE;
    console_tty.size = (struct winsize){.ws_row = 24, .ws_col = 80};
    if (screen_size(&cols, &rows)) {
        console_tty.size.ws_row = (u16)rows;
        console_tty.size.ws_col = (u16)cols;
    }
    device_add("console", CONSOLE, 0600, &console_ops);
    device_add("tty", DEVICE(5, 0), 0666, &own_tty_ops);
    device_add("ttyS0", DEVICE(4, 64), 0600, &console_ops);
    pty_init();
}
