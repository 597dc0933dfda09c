/* SPDX-License-Identifier: MIT
 *
 * The console terminal: line discipline between the serial port and programs, with job
 * control signals. /dev/console and /dev/tty open it.
 */
#pragma once

#include "fs/file.h"
#include "kernel/proc.h"
#include "lib/types.h"

/* The one console terminal; registers /dev/console, /dev/tty (device numbers 5:1, 5:0). */
extern struct tty console_tty;
void tty_init(void);

/* The process leaves its controlling terminal (setsid, exit of a session leader: SIGHUP). */
void tty_detach(struct proc *p);

/* Foreground process group, 0: none. */
s32 tty_foreground(const struct tty *t);
