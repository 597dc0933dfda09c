/* SPDX-License-Identifier: MIT
 *
 * The vDSO: a small shared library in the memory of every program, and behind it a page that
 * the kernel writes and programs read, by which its functions know the time without a system
 * call.
 */
#pragma once

#include "lib/types.h"

/* What that page begins with. Only `wall` changes while programs run, as one word, so no reader
 * can see half a change. */
struct vdso_data {
    u64 base;   /* the TSC when monotonic time was 0, */
    u64 scale;  /* nanoseconds per cycle << VDSO_SHIFT */
    s64 wall;   /* atomic: nanoseconds since 1970 less monotonic time */
    u32 usable; /* 0: the clock cannot be read that way, call the kernel */
};
#define VDSO_SHIFT 32

/* The image of the library. */
extern const char vdso_image[], vdso_image_end[];

/* Fills in base, scale and usable. After all CPUs have started. */
void clock_for_programs(struct vdso_data *data);
