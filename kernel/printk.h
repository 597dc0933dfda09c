/* SPDX-License-Identifier: MIT
 *
 * The kernel's log: a ring in memory and the serial console. Lines start with the time
 * since boot. Callable from any context.
 */
#pragma once

#include "lib/log.h"
#include "lib/types.h"

/* Reads the ring for dmesg/syslog(2): copies at most size bytes of the newest text. */
size_t printk_read(char *buf, size_t size);

/* Bytes a read would give now. */
size_t printk_size(void);

/* Number of bytes ever logged, and byte `at` of them, for the newest PRINTK_RING. No lock: for
 * the report of a panic. */
#define PRINTK_RING 65536u /* a power of two */
u64 printk_end(void);
char printk_byte(u64 at);

/* While true, the log goes to the ring only (an interactive console owns the screen). A
 * panic is shown all the same. */
void printk_set_quiet(bool quiet);
