/* SPDX-License-Identifier: MIT
 *
 * See lib/grace.h. Each CPU has two lists: items wait in the first until the second is empty,
 * then they become the second, and the counters of all CPUs are noted.
 */
#include "lib/grace.h"
#include "lib/lock.h"

DEFINE_PER_CPU(struct grace_cpu, grace_cpu);

static u64 passed_of(u32 cpu)
{
    return __atomic_load_n(&per_cpu(grace_cpu, cpu).passed, __ATOMIC_ACQUIRE);
}

static void note_all(u64 seen[MAX_CPUS])
{
    __atomic_thread_fence(
        __ATOMIC_SEQ_CST); /* what was unlinked is so for all who come now */
    for (u32 cpu = 0; cpu < cpu_count; cpu++)
        seen[cpu] = passed_of(cpu);
}

/* Whether all but this CPU were idle at `seen` or have passed since. */
static bool all_passed(const u64 seen[MAX_CPUS])
{
    for (u32 cpu = 0; cpu < cpu_count; cpu++)
        if (cpu != cpu_id() && seen[cpu] % 2 == 0 && passed_of(cpu) == seen[cpu])
            return false;
    return true;
}

void grace_defer(struct grace_item *item, void (*fn)(struct grace_item *item))
{
    struct grace_cpu *g = this_cpu_ptr(grace_cpu);

    if (cpu_count == 1) {
        fn(item);
        return;
    }
    item->fn = fn;
    item->next = g->fresh;
    g->fresh = item;
}

static void free_list(struct grace_item *item)
{
    while (item) {
        struct grace_item *next = item->next;

        item->fn(item);
        item = next;
    }
}

void grace_work(void)
{
    REQUIRES_NO_SPINLOCK();
    struct grace_cpu *g = this_cpu_ptr(grace_cpu);

    grace_pass();
    if (g->waiting && all_passed(g->seen)) {
        struct grace_item *done = g->waiting;

        g->waiting = NULL;
        free_list(done);
    }
    if (!g->waiting && g->fresh) {
        g->waiting = g->fresh;
        g->fresh = NULL;
        note_all(g->seen);
    }
}
