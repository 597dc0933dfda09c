/* SPDX-License-Identifier: MIT
 *
 * Faults on purpose, so that tests see that sanitizers and checked locks report them.
 */
#pragma once

#include "lib/types.h"

/* With `fault=NAME` on the command line of a kernel built with KASAN=1 or UBSAN=1, or of a
 * debug kernel (faults of locking): makes that fault, once memory is there. Panics when it
 * was not seen. */
void seeded_fault(void);

/* In debug kernels: the crash whose name are the n characters at `name`, or NULL
 * (kernel/seeded_crash.c). */
void (*seeded_crash(const char *name, size_t n))(void);

/* The same for races of data in kernels built with KCSAN=1, which need several CPUs: two kernel
 * threads make them, once all CPUs run. */
void seeded_race(void);
