/* SPDX-License-Identifier: MIT
 *
 * Assertions for our own mistakes, never for user input. They have no effects and stay
 * in release builds: a kernel that goes on with broken invariants loses data.
 */
#pragma once

#include "lib/types.h"

/* Stops the machine with one report. Provided by kernel/panic.c (host: tests/host/harness.c). */
noreturn void panic(const char *fmt, ...) printf_like(1, 2);

#define ASSERT(cond)                                                         \
    do {                                                                     \
        if (unlikely(!(cond)))                                               \
            panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond); \
    } while (0)

#define STATIC_ASSERT(cond) _Static_assert(cond, #cond)
