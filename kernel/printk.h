/* SPDX-License-Identifier: MIT
 *
 * The kernel's log: a ring in memory and the console. Lines start with the time since boot.
 * Callable from any context. Levels and the form of a line: lib/log.h.
 */
#pragma once

#include "lib/log.h"
#include "lib/spinlock.h"
#include "lib/types.h"

#define LOG_LEVEL_WARNING    4u
#define LOG_LEVEL_INFO       6u
#define LOG_LEVEL_BOOT       7u /* the console shows lines of a lower level: all but debug */
#define LOG_LEVEL_AFTER_BOOT 5u /* warnings and worse: the screen belongs to programs */
#define LOG_LEVEL_ALL        15u
#define LOG_USER             8u /* a bit of a priority: the line was written by a program */

/* As in /proc/sys/kernel/printk. [0]: lines with a lower level are shown on the console, a
 * panic all the same; [1]: level of a program's line that names none; [2]: the least that
 * syslog(2) makes of [0]; [3]: what [0] was at boot. */
extern u32 printk_levels[4];

/* loglevel: the value of the switch, or NULL. Given, it stands also after boot. */
void printk_init(const char *loglevel);
/* From now on programs use the console. */
void printk_boot_over(void);

/* A line of a program: priority is a level and LOG_USER. */
void printk_user(u32 priority, const char *text);

/* ---- against floods ---- */
#define LOG_LIMIT_LINES   10u
#define LOG_LIMIT_SECONDS 5u

struct log_limit {
    spinlock_t lock;
    u64 since; /* seconds */
    u32 lines, dropped;
};

/* Whether a line that programs can cause may be written: 10 in 5 seconds. `what` names the
 * lines where it is told how many were left out. */
bool log_allowed(struct log_limit *l, const char *what);

/* ---- reading ---- */

struct log_line {
    u64 at;         /* its place in all that was ever logged: grows from line to line */
    bool lost;      /* lines before it have been overwritten */
    u8 priority;    /* level | LOG_USER */
    char text[600]; /* "[seconds.micros] words", printable */
};

/* The line at or behind *at, which moves behind it. false: no more. */
bool printk_line(u64 *at, struct log_line *line);

/* Where the newest lines begin that together fill at most size bytes in the form of syslog(2),
 * "<priority>text\n" each, leaving out what was cleared. */
u64 printk_newest(size_t size);
size_t printk_unread(u64 at); /* bytes in that form from `at` on */
void printk_clear(void);      /* for syslog(2): what there is counts as read */

/* Number of bytes ever logged, and byte `at` of them, for the newest PRINTK_RING; a line begins
 * with a byte that has LEVEL_MARK, which is not for showing. No lock: for screens. */
#define PRINTK_RING 65536u /* a power of two */
#define LEVEL_MARK  0x80u
u64 printk_end(void);
char printk_byte(u64 at);
