/* SPDX-License-Identifier: MIT
 *
 * The calls of timers, which a C library may make something else of.
 */
#pragma once

#include "tests/user/t.h"
#include <time.h>

static int create(int clock, int notify, int signo, int value)
{
    struct sigevent ev = {.sigev_notify = notify, .sigev_signo = signo};
    int id;

    ev.sigev_value.sival_int = value;
    OK(syscall(SYS_timer_create, clock, &ev, &id));
    return id;
}

static int settime(int id, int flags, long value_ns, long interval_ns)
{
    struct itimerspec s = {{0, interval_ns},
                           {value_ns / 1000000000, value_ns % 1000000000}};

    return (int)syscall(SYS_timer_settime, id, flags, &s, NULL);
}

static struct itimerspec gettime(int id)
{
    struct itimerspec s;

    OK(syscall(SYS_timer_gettime, id, &s));
    return s;
}
