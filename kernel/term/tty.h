/* SPDX-License-Identifier: MIT
 *
 * The console terminal: line discipline between the serial port and programs, with job
 * control signals. /dev/console, /dev/tty and /dev/ttyS0 open it.
 *
 * Locks: session, foreground and proc->tty are protected by proc_lock.
 */
#pragma once

#include "fs/file.h"
#include "kernel/task/proc.h"
#include "kernel/term/ldisc.h"
#include "lib/types.h"

struct tty {
    struct ldisc ld;
    struct winsize size;
    struct kernel_termios locked; /* bits and characters that may not change */
    u32 speed[2];                 /* where c_cflag says BOTHER: of input, of output */
    bool exclusive;               /* TIOCEXCL: a single word */
    u32 mode;                     /* KD_TEXT, KD_GRAPHICS */
    s32 session;                  /* whose controlling terminal it is, 0: nobody's */
    s32 foreground;               /* process group, 0: none */
    u64 device;                   /* [c] its number */
    bool hung; /* the other end has gone: nothing is read or written any more */
    /* For terminals that come and go: another open file of it, and its end. NULL: it stays. */
    int (*hold)(struct tty *t);
    void (*drop)(struct tty *t);
};

/* The one console terminal; registers /dev/console, /dev/tty, /dev/ttyS0
 * (device numbers 5:1, 5:0, 4:64). */
extern struct tty console_tty;
void tty_init(void);

/* Operations of files whose data is a terminal. */
ssize_t tty_read(struct file *f, struct uio *u, u64 *pos);
ssize_t tty_write(struct file *f, struct uio *u, u64 *pos);
u32 tty_poll(struct file *f, struct poll_table *pt);

/* Types n bytes, as far as there is room; how many that were. No lock held. TIOCSTI, the byte at arg:
 * -EPERM, -EFAULT. */
size_t tty_type(struct tty *t, const u8 *bytes, size_t n);
long tty_type_one(struct tty *t, uintptr_t arg);

/* The other end of a terminal has gone: its session loses it, and hears of that. No lock held. */
void tty_hangup(struct tty *t);

/* The process leaves its controlling terminal (setsid; exit of a session leader: the
 * foreground group gets SIGHUP and the session loses the terminal). No lock held. */
void tty_detach(struct proc *p);

/* Foreground process group, 0: none. */
s32 tty_foreground(const struct tty *t);

/* Device number as /proc/PID/stat shows it. */
u64 tty_device(const struct tty *t);

/* Whether the running process may use t now: 0; a background process gets `signo` and
 * -ERESTARTSYS, or -EIO when it would sleep for ever, or 0 when it ignores SIGTTOU (writing). */
int tty_check_background(struct tty *t, int signo);
