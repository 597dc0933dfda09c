/* SPDX-License-Identifier: MIT
 *
 * What timerfd and POSIX timers are made of: a first moment, and perhaps a period, on a clock
 * that programs see. Expirations are not counted as they happen: how many there were follows
 * from the time when somebody asks. So a timer rings once, and again only after it was asked;
 * no period is too short.
 */
#pragma once

#include "kernel/task/sched/timer.h"
#include "lib/list.h"

struct alarm {
    struct ktimer timer;
    struct list link; /* [a mutex of alarm.c] of those that stand by the wall clock */
    bool wall;        /* [owner's lock] by the wall clock, which may be set */
    u64 next;         /* [owner's lock] the first expiration nobody took, 0: off */
    u64 interval;     /* [owner's lock] 0: once */
    void (*clock_set)(struct alarm *a); /* [c] the wall clock was set; may be NULL */
};

/* ring: as ktimer.fn; it asks alarm_deadline() whether it is early. */
void alarm_init(struct alarm *a, u64 (*ring)(struct ktimer *t));
/* Before it is freed; the timer is unset. */
void alarm_fini(struct alarm *a);

/* The time of its clock. */
u64 alarm_now(const struct alarm *a);
/* When it rings, by the monotonic clock; 0: never. */
u64 alarm_deadline(const struct alarm *a);

/* With the owner's lock and the time of its clock. What the program sets: a moment of the
 * clock. How many expirations there were, which count as taken from now on. How long until the
 * next one, 0: none comes. */
void alarm_set(struct alarm *a, bool wall, u64 next, u64 interval);
u64 alarm_take(struct alarm *a, u64 now);
u64 alarm_left(const struct alarm *a, u64 now);

/* After either of the first two, without a spinlock: makes it ring when it has to. */
void alarm_arm(struct alarm *a);

void alarms_init(void);

/* How often the wall clock was set; tells that it was. */
extern u64 alarm_clock_sets;
void alarm_clock_was_set(void);
