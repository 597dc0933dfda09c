/* SPDX-License-Identifier: MIT
 *
 * Requests to the terminal.
 */
#pragma once

#include "lib/types.h"

struct file;
struct tty;

/* KD_TEXT or KD_GRAPHICS: who draws on the screen. */
void tty_set_mode(struct tty *t, u32 mode);

/* A session leader without a terminal that opens one gets it, if nobody has it. */
void tty_take(struct tty *t);
/* TIOCSCTTY of t by f, one of its two ends: -EPERM also for who may only write to it, as members of
 * the group `tty` may; -EIO. */
long tty_claim(const struct file *f, struct tty *t, uintptr_t arg);
/* A request to t, by whatever file; not TIOCSCTTY. */
long tty_request(struct tty *t, u32 cmd, uintptr_t arg);

/* tty_ioctl.c: TCGETS and all the others. */
long tty_ioctl(struct file *f, u32 cmd, uintptr_t arg);
