/* SPDX-License-Identifier: MIT
 *
 * What the CPU says of itself, and its random numbers.
 */
#pragma once

#include "lib/types.h"

/* Describes the CPU for /proc/cpuinfo: writes text of at most size-1 bytes, returns its length. */
int cpu_describe(u32 id, char *buf, size_t size);

/* Fills n bytes from the CPU's random instruction; false when it has none. */
bool cpu_random(void *buf, size_t n);
