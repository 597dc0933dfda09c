/* SPDX-License-Identifier: MIT
 *
 * How the lower layers write a line to the kernel's log. Provided by kernel/printk.c (host:
 * tests/host/port.c).
 */
#pragma once

#include "lib/types.h"

void printk(const char *fmt, ...) printf_like(1, 2);
