/* SPDX-License-Identifier: MIT
 *
 * How the lower layers write a line to the kernel's log. Provided by kernel/printk.c (host:
 * tests/host/port_fs.c).
 */
#pragma once

#include "lib/types.h"

/* A format may begin with the level of its line, as syslog(2) numbers them; without: info.
 * After boot the console shows warnings and worse only. */
#define LOG_EMERG   "\0010" /* the machine stops */
#define LOG_ERROR   "\0013"
#define LOG_WARNING "\0014"
#define LOG_NOTICE  "\0015"

/* Whole lines: the format ends in its only newline. Every other byte that is no printable
 * ASCII, whatever name it comes from, is written as \xNN. */
void printk(const char *fmt, ...) printf_like(1, 2);
