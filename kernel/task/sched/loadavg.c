/* SPDX-License-Identifier: MIT
 *
 * Every five seconds a sample of the threads that are ready is mixed into three averages
 * that forget at 1/e in one, five and fifteen minutes: a' = a*w + n*(1-w), w = e^(-5/60T),
 * in numbers with LOAD_SHIFT bits behind the point.
 */
#include "kernel/task/sched/loadavg.h"
#include "arch/time.h"
#include "kernel/task/sched/sched.h"
#include "lib/log.h"

#define ONE       (1ul << LOAD_SHIFT)
#define SAMPLE_NS 5000000000ul

static u64 averages[3];

static void sample(void)
{
    static const u64 weight[3] = {1884, 2014, 2037};
    u64 ready = sched_ready() - 1; /* this thread runs */

    for (int i = 0; i < 3; i++) {
        u64 old = averages[i], now = ready << LOAD_SHIFT;
        u64 sum = old * weight[i] + now * (ONE - weight[i]);

        /* Upwards it is rounded up, so that a constant load is reached. */
        WRITE_ONCE(averages[i], (sum + (now >= old ? ONE - 1 : 0)) >> LOAD_SHIFT);
    }
}

static void run(void *arg)
{
    u64 next = clock_monotonic_ns();

    (void)arg;
    for (;;) {
        next += SAMPLE_NS;
        while (clock_monotonic_ns() < next) {
            if (thread_park_until(next) != 0)
                break; /* the time is over */
        }
        sample();
    }
}

void loadavg_init(void)
{
    if (kthread_create("loadavg", run, NULL) != 0)
        printk(LOG_WARNING "no memory for the load average: it stays 0\n");
}

void loadavg_get(u64 out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = READ_ONCE(averages[i]);
}
