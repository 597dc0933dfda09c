/* SPDX-License-Identifier: MIT
 *
 * The record of a pseudo-terminal: kernel/term/pty.c.
 */
#pragma once

#include "fs/file.h"
#include "kernel/term/tty.h"

struct pty {
    struct tty tty;
    struct ldisc_out out;
    struct inode
        *node; /* its name in devpts; NULL: the number is free, or the master closed */
    u32 index, uid;      /* uid: of who opened the master */
    u32 slaves;          /* open files of the slave */
    bool used, master;   /* the number is taken; the master is open */
    bool locked, opened; /* TIOCSPTLCK; a slave was opened before */
};

static inline struct pty *pty_of(const struct file *f)
{
    return container_of((struct tty *)f->data, struct pty, tty);
}

extern const struct file_ops pty_slave_ops;
/* Requests to the master: pty_ioctl.c. */
long pty_ioctl(struct file *f, u32 cmd, uintptr_t arg);
