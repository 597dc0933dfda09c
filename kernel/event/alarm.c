/* SPDX-License-Identifier: MIT
 *
 * Timers of programs on clocks of programs.
 */
#include "kernel/event/alarm.h"
#include "arch/time.h"
#include "kernel/sys/time.h"
#include "lib/lock.h"
#include "lib/mutex.h"
#include "lib/pause.h"

static struct mutex wall_lock; /* the list; nothing is locked below but timers */
static struct list wall_alarms = LIST_INIT(wall_alarms);
u64 alarm_clock_sets;

void alarms_init(void)
{
    mutex_init(&wall_lock);
}

void alarm_init(struct alarm *a, u64 (*ring)(struct ktimer *t))
{
    ktimer_init(&a->timer, ring);
    list_init(&a->link);
}

void alarm_fini(struct alarm *a)
{
    SCOPED_LOCK(&wall_lock);

    list_del(&a->link);
}

u64 alarm_now(const struct alarm *a)
{
    return READ_ONCE(a->wall) ? clock_realtime_ns() : clock_monotonic_ns();
}

u64 alarm_deadline(const struct alarm *a)
{
    u64 next = READ_ONCE(a->next), mono = clock_monotonic_ns(), now;

    if (!next || !READ_ONCE(a->wall))
        return next;
    now = clock_realtime_ns();
    return next > now ? mono + (next - now) : 1; /* long ago */
}

void alarm_set(struct alarm *a, bool wall, u64 next, u64 interval)
{
    WRITE_ONCE(a->wall, wall);
    WRITE_ONCE(a->next, next);
    WRITE_ONCE(a->interval, interval);
}

u64 alarm_take(struct alarm *a, u64 now)
{
    u64 n = 0;

    if (!a->next || now < a->next)
        return 0;
    if (a->interval)
        n = (now - a->next) / a->interval;
    WRITE_ONCE(a->next, a->interval ? a->next + (n + 1) * a->interval : 0);
    return n + 1;
}

u64 alarm_left(const struct alarm *a, u64 now)
{
    u64 next = READ_ONCE(a->next), interval = READ_ONCE(a->interval);

    if (!next)
        return 0;
    if (now < next)
        return next - now;
    return interval ? interval - (now - next) % interval : 0;
}

void alarm_arm(struct alarm *a)
{
    u64 next;

    mutex_lock(&wall_lock);
    list_del(&a->link);
    list_init(&a->link);
    if (READ_ONCE(a->wall) && READ_ONCE(a->next))
        list_add(&wall_alarms, &a->link);
    mutex_unlock(&wall_lock);
    do { /* until nobody changed it meanwhile: then that one's setting is the last */
        next = READ_ONCE(a->next);
        ktimer_set(&a->timer, alarm_deadline(a));
    } while (READ_ONCE(a->next) != next);
}

void alarm_clock_was_set(void)
{
    SCOPED_LOCK(&wall_lock);
    struct list *pos;

    __atomic_fetch_add(&alarm_clock_sets, 1, __ATOMIC_RELEASE);
    list_for_each (pos, &wall_alarms) {
        struct alarm *a = list_entry(pos, struct alarm, link);

        ktimer_set(&a->timer, alarm_deadline(a));
        if (a->clock_set)
            a->clock_set(a);
        pause_anyway();
    }
}
