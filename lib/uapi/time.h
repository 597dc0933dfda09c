/* SPDX-License-Identifier: MIT
 *
 * Clocks and times of Linux x86-64 (clock_gettime(2), setitimer(2)).
 */
#pragma once

#include "lib/types.h"

#define CLOCK_REALTIME           0
#define CLOCK_MONOTONIC          1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID  3
#define CLOCK_MONOTONIC_RAW      4
#define CLOCK_REALTIME_COARSE    5
#define CLOCK_MONOTONIC_COARSE   6
#define CLOCK_BOOTTIME           7
#define CLOCK_REALTIME_ALARM     8
#define CLOCK_BOOTTIME_ALARM     9
#define CLOCK_TAI                11

/* Clocks below 0 are of one process or thread: ~number << 3, and these. */
#define CPU_CLOCK_THREAD 4
#define CPU_CLOCK_KIND   3 /* the mask; itself: not of CPU time */
#define CPU_CLOCK_ALL    2
#define CPU_CLOCK_USER   1 /* time in user mode alone */

#define TIMER_ABSTIME 1

#define ITIMER_REAL    0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF    2

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe

struct timespec {
    s64 tv_sec, tv_nsec;
};

struct timeval {
    s64 tv_sec, tv_usec;
};

struct itimerval {
    struct timeval it_interval, it_value;
};
