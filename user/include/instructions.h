/* SPDX-License-Identifier: MIT
 *
 * Instructions of a stretch of a program, in an emulator that counts them as time (tools/run
 * --icount): there one cycle of the time-stamp counter is one instruction, and two runs agree to
 * the unit. Elsewhere the figures are cycles and noise.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* No-operations that the plugins of QEMU look for (tools/plugin/plugin.h): 1 when time is taken,
 * 2 at a report. */
#define INSTRUCTIONS_MARK(n) \
    __asm__ volatile(".byte 0x0f, 0x1f, 0x80, " #n ", 0xe3, 0x55, 0x7e" ::: "memory")

static inline uint64_t instructions(void)
{
    uint32_t lo, hi;

    INSTRUCTIONS_MARK(1);
    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
}

/* One line: a name, and `total` of n operations divided by n. What the plugins counted between
 * the last two calls of instructions() belongs to it, so the total is theirs. */
static inline void instructions_report(const char *name, uint64_t total, uint64_t n)
{
    INSTRUCTIONS_MARK(2);
    printf("%-58s %10llu %8llu\n", name, (unsigned long long)(total / n),
           (unsigned long long)n);
    fflush(stdout);
}
