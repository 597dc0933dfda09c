/* SPDX-License-Identifier: MIT
 *
 * Moments and spans as programs write them.
 */
#pragma once

#include "lib/types.h"
#include "lib/uapi/time.h"

/* A relative struct timespec of the program as a moment of clock_monotonic_ns, far values
 * saturate to NO_DEADLINE. -EFAULT, -EINVAL. */
int must_check deadline_from_user(vaddr_t timespec, u64 *deadline);

/* Nanoseconds of a struct timespec or timeval of the program. -EFAULT, -EINVAL. */
int must_check timespec_from_user(vaddr_t src, u64 *ns);
int must_check timespec_to_user(vaddr_t dst, u64 ns);

/* What CLOCK_* or the clock of a process or thread shows. -EINVAL: there is none. */
int must_check clock_read(s32 clock, u64 *ns);

int must_check timeval_from_user(vaddr_t src, u64 *ns);

/* Seconds since 1970 in nanoseconds. */
u64 clock_realtime_ns(void);
/* Sets it, for all that show or wait for it. -EINVAL: before the machine was started, if that was in
 * 1970, or too far away. */
int must_check clock_set_realtime(u64 ns);

/* What kind of clock CLOCK_* names: one of the CPU's time, or one that can be set. */
static inline bool clock_is_cpu_time(s32 clock)
{
    return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

static inline bool clock_is_alarm(s32 clock)
{
    return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

static inline bool clock_is_wall(s32 clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_TAI || clock == CLOCK_REALTIME_ALARM;
}
