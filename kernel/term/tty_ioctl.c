/* SPDX-License-Identifier: MIT
 *
 * Requests to the terminal (ioctl_tty(2)): settings, sessions and groups, window size.
 */
#include "kernel/term/tty_ioctl.h"
#include "arch/console.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "kernel/term/ldisc_out.h"
#include "kernel/term/screen.h"
#include "kernel/term/tty.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fb.h"

/* ---- settings ---- */

/* Bits a second of c_cflag, those of CBAUD without the highest; in hundreds behind it. */
static const u16 slow[] = {0,   50,   75,   110,  134,  150,  200,   300,
                           600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
static const u16 fast[] = {0,     576,   1152,  2304,  4608,  5000,  5760,  9216,
                           10000, 11520, 15000, 20000, 25000, 30000, 35000, 40000};

static u32 speed_of(const struct tty *t, bool output)
{
    u32 c = t->ld.termios.c_cflag & CBAUD;

    if (c == BOTHER)
        return t->speed[output];
    return c & BOTHER ? fast[c & 15] * 100u : slow[c & 15];
}

static int get_termios(struct tty *t, uintptr_t arg, bool two)
{
    struct kernel_termios2 v = {
        .t = t->ld.termios, .ispeed = speed_of(t, false), .ospeed = speed_of(t, true)};

    return copy_to_user(arg, &v, two ? sizeof(v) : sizeof(v.t));
}

static u32 keep(u32 fresh, u32 old, u32 locked)
{
    return (fresh & ~locked) | (old & locked);
}

/* What TIOCSLCKTRMIOS has locked stays as it is. */
static void keep_locked(struct tty *t, struct kernel_termios *k)
{
    const struct kernel_termios *old = &t->ld.termios, *l = &t->locked;

    k->c_iflag = keep(k->c_iflag, old->c_iflag, l->c_iflag);
    k->c_oflag = keep(k->c_oflag, old->c_oflag, l->c_oflag);
    k->c_cflag = keep(k->c_cflag, old->c_cflag, l->c_cflag);
    k->c_lflag = keep(k->c_lflag, old->c_lflag, l->c_lflag);
    if (l->c_line)
        k->c_line = old->c_line;
    for (size_t i = 0; i < sizeof(k->c_cc); i++)
        if (l->c_cc[i])
            k->c_cc[i] = old->c_cc[i];
}

/* A pseudo-terminal has no line: bytes of eight bits, no parity, always received. */
static void fit_line(const struct tty *t, struct kernel_termios *k)
{
    if (t->hold)
        k->c_cflag = (k->c_cflag & ~(u32)(CSIZE | PARENB)) | CS8 | CREAD;
}

static int lock_termios(struct tty *t, uintptr_t arg)
{
    struct kernel_termios locked;

    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (copy_from_user(&locked, arg, sizeof(locked)) != 0)
        return -EFAULT;
    t->locked = locked;
    return 0;
}

/* There is no line discipline but the usual one. */
static int set_discipline(uintptr_t arg)
{
    s32 wanted;

    if (copy_from_user(&wanted, arg, sizeof(wanted)) != 0)
        return -EFAULT;
    return wanted == N_TTY ? 0 : -EINVAL;
}

static int set_termios(struct tty *t, uintptr_t arg, bool two, bool flush)
{
    struct kernel_termios2 v;
    int err = tty_check_background(t, SIGTTOU);

    if (!err)
        err = copy_from_user(&v, arg, two ? sizeof(v) : sizeof(v.t));
    if (err)
        return err;
    keep_locked(t, &v.t);
    fit_line(t, &v.t);
    if ((v.t.c_cflag & CBAUD) == BOTHER) {
        WRITE_ONCE(t->speed[0], two ? v.ispeed : speed_of(t, false));
        WRITE_ONCE(t->speed[1], two ? v.ospeed : speed_of(t, true));
    }
    ldisc_set_termios(&t->ld, &v.t, flush);
    return 0;
}

/* The older form of System V. */
static int get_termio(struct tty *t, uintptr_t arg)
{
    const struct kernel_termios *k = &t->ld.termios;
    struct kernel_termio v = {.c_iflag = (u16)k->c_iflag,
                              .c_oflag = (u16)k->c_oflag,
                              .c_cflag = (u16)k->c_cflag,
                              .c_lflag = (u16)k->c_lflag,
                              .c_line = k->c_line};

    memcpy(v.c_cc, k->c_cc, sizeof(v.c_cc));
    return copy_to_user(arg, &v, sizeof(v));
}

static u32 low_half(u32 old, u16 low)
{
    return (old & 0xffff0000u) | low;
}

static int set_termio(struct tty *t, uintptr_t arg, bool flush)
{
    struct kernel_termios k = t->ld.termios;
    struct kernel_termio v;
    int err = tty_check_background(t, SIGTTOU);

    if (!err)
        err = copy_from_user(&v, arg, sizeof(v));
    if (err)
        return err;
    k.c_iflag = low_half(k.c_iflag, v.c_iflag);
    k.c_oflag = low_half(k.c_oflag, v.c_oflag);
    k.c_cflag = low_half(k.c_cflag, v.c_cflag);
    k.c_lflag = low_half(k.c_lflag, v.c_lflag);
    k.c_line = v.c_line;
    memcpy(k.c_cc, v.c_cc, sizeof(v.c_cc));
    keep_locked(t, &k);
    fit_line(t, &k);
    ldisc_set_termios(&t->ld, &k, flush);
    return 0;
}

static int set_size(struct tty *t, uintptr_t arg)
{
    struct winsize size;
    int err = copy_from_user(&size, arg, sizeof(size));
    s32 group = t->foreground;

    if (err)
        return err;
    bool changed = size.ws_row != t->size.ws_row || size.ws_col != t->size.ws_col ||
                   size.ws_xpixel != t->size.ws_xpixel ||
                   size.ws_ypixel != t->size.ws_ypixel;
    t->size = size;
    if (changed && group)
        signal_send_group(group, SIGWINCH, 0, 0);
    return 0;
}

/* ---- sessions ---- */

static int put_number(uintptr_t arg, s32 value)
{
    return copy_to_user(arg, &value, sizeof(value));
}

static bool lose_tty(struct proc *p, void *arg)
{
    if (p->tty == arg)
        p->tty = NULL;
    return true;
}

/* The session leader makes t its controlling terminal; arg 1: with
 * CAP_SYS_ADMIN it is taken from others. */
static int become_controlling(struct tty *t, uintptr_t arg)
{
    struct proc *p = current_proc();
    irqflags_t flags;
    bool taken;

    if (p->tty == t && t->session == p->sid)
        return 0;
    if (p->pid != p->sid || p->tty)
        return -EPERM;
    taken = t->session != 0;
    if (taken && (arg != 1 || !capable(CAP_SYS_ADMIN)))
        return -EPERM;
    if (taken)
        proc_for_each(lose_tty, t);
    flags = spin_lock_irq(&proc_lock);
    if (t->hung || (t->session && !taken)) { /* somebody was faster */
        spin_unlock_irq(&proc_lock, flags);
        return t->hung ? -EIO : -EPERM;
    }
    t->session = p->sid;
    t->foreground = p->pgid;
    p->tty = t;
    spin_unlock_irq(&proc_lock, flags);
    return 0;
}

void tty_take(struct tty *t)
{
    const struct proc *p = current_proc();

    if (p->pid == p->sid && !p->tty && !t->session)
        (void)become_controlling(t, 0);
}

static int set_foreground(struct tty *t, uintptr_t arg)
{
    struct proc *p = current_proc();
    const struct proc *first;
    irqflags_t flags;
    s32 pgid;
    int err;

    err = tty_check_background(t, SIGTTOU);
    if (err == -EIO) /* nobody would let the orphans go on */
        return -ENOTTY;
    if (!err)
        err = copy_from_user(&pgid, arg, sizeof(pgid));
    if (err)
        return err;
    if (pgid < 0)
        return -EINVAL;
    if (p->tty != t || t->session != p->sid)
        return -ENOTTY;
    flags = spin_lock_irq(&proc_lock);
    first = group_first(pgid); /* all of a group are in one session */
    err = !first ? -ESRCH : first->sid != p->sid ? -EPERM : 0;
    if (!err)
        t->foreground = pgid;
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

/* ---- the screen ---- */

void tty_set_mode(struct tty *t, u32 mode)
{
    t->mode = mode;
    screen_set_graphics(mode == KD_GRAPHICS);
}

/* KD_GRAPHICS: a program draws on the framebuffer, the console keeps its text to itself. As on
 * Linux the mode outlives the program, but not the last open /dev/fb0: then nobody is left to
 * draw. Only the terminal's own processes and CAP_SYS_TTY_CONFIG set it. */
static int set_mode(struct tty *t, uintptr_t mode)
{
    const struct proc *p = current_proc();

    if (p->tty != t && !capable(CAP_SYS_TTY_CONFIG))
        return -EPERM;
    if (mode != KD_TEXT && mode != KD_GRAPHICS)
        return -EINVAL;
    tty_set_mode(t, (u32)mode);
    return 0;
}

static int screen_ioctl(struct tty *t, u32 cmd, uintptr_t arg)
{
    u32 cols, rows;

    if (t->ld.out || !screen_size(&cols, &rows))
        return -ENOTTY;
    return cmd == KDSETMODE ? set_mode(t, arg) : put_number(arg, (s32)t->mode);
}

/* ---- the rest ---- */

static int flush(struct tty *t, uintptr_t what)
{
    int err = tty_check_background(t, SIGTTOU);

    if (err)
        return err;
    if (what > TCIOFLUSH)
        return -EINVAL;
    if (what != TCOFLUSH)
        ldisc_flush_input(&t->ld);
    if (what != TCIFLUSH)
        ldisc_out_flush(&t->ld); /* the console's is never pending: it goes out at once */
    return 0;
}

static int flow(struct tty *t, uintptr_t what)
{
    int err = tty_check_background(t, SIGTTOU);

    if (err)
        return err;
    if (what > 3)
        return -EINVAL;
    if (what == TCOOFF || what == TCOON)
        ldisc_hold(&t->ld, what == TCOOFF);
    else
        ldisc_send_flow(&t->ld, what == TCIOFF);
    return 0;
}

static long session_ioctl(struct tty *t, u32 cmd, uintptr_t arg)
{
    struct proc *p = current_proc();

    switch (cmd) {
    case TIOCSTI:
        return tty_type_one(t, arg);
    case TIOCNOTTY:
        if (p->tty != t)
            return -ENOTTY;
        tty_detach(p);
        return 0;
    case TIOCGPGRP:
        return p->tty == t ? put_number(arg, t->foreground) : -ENOTTY;
    case TIOCSPGRP:
        return set_foreground(t, arg);
    case TIOCGSID:
        return p->tty == t ? put_number(arg, t->session) : -ENOTTY;
    default:
        return -ENOTTY;
    }
}

long tty_claim(const struct file *f, struct tty *t, uintptr_t arg)
{
    const struct proc *p = current_proc();

    if (!file_readable(f) && !(p->tty == t && t->session == p->sid) &&
        !capable(CAP_SYS_ADMIN))
        return -EPERM;
    return become_controlling(t, arg);
}

long tty_ioctl(struct file *f, u32 cmd, uintptr_t arg)
{
    struct tty *t = f->data;

    if (READ_ONCE(t->hung))
        return -EIO;
    return cmd == TIOCSCTTY ? tty_claim(f, t, arg) : tty_request(t, cmd, arg);
}

long tty_request(struct tty *t, u32 cmd, uintptr_t arg)
{
    switch (cmd) {
    case TCGETS:
    case TCGETS2:
        return get_termios(t, arg, cmd == TCGETS2);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_termios(t, arg, false, cmd == TCSETSF);
    case TCGETA:
        return get_termio(t, arg);
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
        return set_termio(t, arg, cmd == TCSETAF);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return set_termios(t, arg, true, cmd == TCSETSF2);
    case TIOCGLCKTRMIOS:
        return copy_to_user(arg, &t->locked, sizeof(t->locked));
    case TIOCSLCKTRMIOS:
        return lock_termios(t, arg);
    case TIOCGWINSZ:
        return copy_to_user(arg, &t->size, sizeof(t->size));
    case TIOCSWINSZ:
        return set_size(t, arg);
    case FIONREAD:
        return put_number(arg, (s32)ldisc_available(&t->ld));
    case TIOCOUTQ:
        return put_number(arg, 0);
    case TCFLSH:
        return flush(t, arg);
    case TCXONC:
        return flow(t, arg);
    case TIOCGETD:
        return put_number(arg, N_TTY);
    case TIOCSETD:
        return set_discipline(arg);
    case TIOCEXCL:
    case TIOCNXCL:
        WRITE_ONCE(t->exclusive, cmd == TIOCEXCL);
        return 0;
    case TIOCGEXCL:
        return put_number(arg, READ_ONCE(t->exclusive));
    case TIOCGSOFTCAR:
        return put_number(arg, (t->ld.termios.c_cflag & CLOCAL) != 0);
    case TIOCGDEV:
        return put_number(arg, (s32)t->device);
    case TIOCSBRK: /* there is no line that could be broken */
    case TIOCCBRK:
    case TCSBRK:
    case TCSBRKP:
        return tty_check_background(t, SIGTTOU);
    case KDSETMODE:
    case KDGETMODE:
        return screen_ioctl(t, cmd, arg);
    default:
        return session_ioctl(t, cmd, arg);
    }
}
