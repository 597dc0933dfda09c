/* SPDX-License-Identifier: MIT
 *
 * Sharing between the queues of the CPUs, see kernel/task/sched/runq.h for one of them.
 *
 * Two words say which CPUs may be idle and which may have threads that wait. Both are hints: a
 * bit is set by the CPU that has something to say and cleared by the one that looks and finds it
 * untrue. So a CPU that sleeps and wakes a thousand times a second writes neither.
 *
 * Second locks are only ever tried: who holds one queue's lock and does not get the other's goes
 * on without, so there is no order among them and nobody waits for anybody.
 *
 * Idle CPUs take what waits elsewhere. Busy ones compare progress: in each window of time, by
 * how much a queue's `least` grew, which counts nice values and shares, plus its idle time. Who
 * grew faster than another takes a thread that waits there. Three that never sleep on two CPUs
 * so take turns in having one for themselves.
 */
#include "kernel/task/sched/balance.h"
#include "arch/smp.h"
#include "kernel/task/sched/runq.h"
#include "kernel/task/sched/wake.h"
#include "lib/lock.h"

#define WINDOW_TICKS   5
#define COUNTED_A_TICK 8 /* CPUs whose sharers one counts, about */

static u64 may_idle __attribute__((aligned(64)));
static u64 may_wait __attribute__((aligned(64)));

/* After a change that makes the hint true. */
static void set_hint(u64 *hint, u32 cpu)
{
    u64 bit = 1ull << cpu;

    if (!(__atomic_load_n(hint, __ATOMIC_RELAXED) & bit))
        __atomic_fetch_or(hint, bit, __ATOMIC_SEQ_CST);
}

static bool is_idle(const struct runq *q)
{
    return READ_ONCE(q->nr) == 0;
}

static bool has_waiting(const struct runq *q)
{
    return READ_ONCE(q->nr) > 1;
}

/* Whether it is true; an untrue hint is taken back, unless it became true meanwhile. */
static bool check_hint(u64 *hint, const struct runq *q,
                       bool (*holds)(const struct runq *q))
{
    if (holds(q))
        return true;
    __atomic_fetch_and(hint, ~(1ull << q->cpu), __ATOMIC_SEQ_CST);
    if (!holds(q))
        return false;
    set_hint(hint, q->cpu);
    return true;
}

/* The first CPU of `among`, from `from` on in a circle, for which the hint holds; -1: none. */
static s32 look(u64 *hint, u64 among, u32 from, bool (*holds)(const struct runq *q))
{
    u64 left = __atomic_load_n(hint, __ATOMIC_RELAXED) & among;

    while (left) {
        u64 above = left & ~0ull << from;
        u32 cpu = (u32)__builtin_ctzll(above ?: left);

        if (check_hint(hint, runqs[cpu], holds))
            return (s32)cpu;
        left &= ~(1ull << cpu);
    }
    return -1;
}

void balance_note_waiting(const struct runq *q)
{
    set_hint(&may_wait, q->cpu);
}

void balance_note_idle(const struct runq *q)
{
    set_hint(&may_idle, q->cpu);
}

/* A real-time thread rather goes where none runs that it would wait for. */
static u32 choose_realtime(u64 allowed, const struct thread *t, u32 last)
{
    for (u32 i = 0; i < MAX_CPUS; i++) {
        u32 cpu = (last + i) % MAX_CPUS;

        if (allowed >> cpu & 1 && READ_ONCE(runqs[cpu]->running_rt) < t->priority)
            return cpu;
    }
    return last;
}

u32 balance_choose(const struct thread *t, u32 last)
{
    u64 allowed = READ_ONCE(t->allowed) & READ_ONCE(runq_cpus);
    s32 idle;

    if (unlikely(!(allowed >> last & 1))) {
        if (!allowed)
            return last;
        idle = look(&may_idle, allowed, last, is_idle);
        return idle >= 0 ? (u32)idle : (u32)__builtin_ctzll(allowed);
    }
    if (is_idle(runqs[last]))
        return last;
    idle = look(&may_idle, allowed & ~(1ull << last), last, is_idle);
    if (idle >= 0)
        return (u32)idle;
    return unlikely(t->realtime) ? choose_realtime(allowed, t, last) : last;
}

/* Takes a thread that may run here from another queue, which is not waited for. Both locks are
 * held in between: the thread is on one queue or on the other. */
static bool take_from(struct runq *from, struct runq *to)
{
    REQUIRES(&to->lock);
    struct thread *t;

    if (!spin_trylock(&from->lock))
        return false;
    t = runq_find(from, to->cpu);
    if (t) {
        runq_take_out(from, t);
        runq_set_nr(from, from->nr - 1);
        runq_carry(t, from, to);
        if (t->realtime)
            runq_rt_last(to, t);
        runq_set_nr(to, to->nr + 1);
        runq_put(to, t);
    }
    spin_unlock(&from->lock);
    return t != NULL;
}

bool balance_steal(struct runq *q)
{
    u64 others = __atomic_load_n(&may_wait, __ATOMIC_RELAXED) & ~(1ull << q->cpu);
    s32 cpu;

    while ((cpu = look(&may_wait, others, q->cpu, has_waiting)) >= 0) {
        if (take_from(runqs[cpu], q))
            return true;
        others &= ~(1ull << cpu);
    }
    return false;
}

/* Somebody waits here who could go elsewhere at once. */
static void push(const struct runq *q)
{
    const struct thread *t = q->rt_first ?: q->first;
    s32 idle = t ? look(&may_idle, t->allowed & READ_ONCE(runq_cpus) & ~(1ull << q->cpu),
                        q->cpu, is_idle)
                 : -1;

    balance_note_waiting(q);
    if (idle >= 0)
        sched_kick((u32)idle);
}

/* The queue with threads that wait that made the least progress in the window before this. */
static struct runq *slowest(const struct runq *q)
{
    u64 others = __atomic_load_n(&may_wait, __ATOMIC_RELAXED) & ~(1ull << q->cpu),
        least = ~0ull;
    struct runq *found = NULL;
    s32 cpu;

    while ((cpu = look(&may_wait, others, q->cpu, has_waiting)) >= 0) {
        u64 progress = READ_ONCE(runqs[cpu]->progress);

        if (progress < least) {
            least = progress;
            found = runqs[cpu];
        }
        others &= ~(1ull << cpu);
    }
    return found && least < q->progress - q->progress / 8 ? found : NULL;
}

static void pull_realtime(struct runq *q)
{
    u64 others = __atomic_load_n(&may_wait, __ATOMIC_RELAXED) & ~(1ull << q->cpu);
    s32 cpu;

    while ((cpu = look(&may_wait, others, q->cpu, has_waiting)) >= 0) {
        if (READ_ONCE(runqs[cpu]->rt_first) && !READ_ONCE(runqs[cpu]->rt_rests) &&
            take_from(runqs[cpu], q))
            return;
        others &= ~(1ull << cpu);
    }
}

void balance_tick(struct runq *q, u64 now)
{
    REQUIRES(&q->lock);
    u64 from = q->least + q->idle_cycles, window = now / (WINDOW_TICKS * TICK_NS);
    bool whole = window == q->window + 1;
    struct runq *slow;

    /* It looks at a line of each CPU: the more there are, the less often. */
    if (q->current->proc &&
        (now / TICK_NS + q->cpu) % (cpu_count / COUNTED_A_TICK + 1) == 0)
        runq_count_elsewhere(q, q->current->proc);
    if (q->nr > 1)
        push(q);
    if (!q->running_rt && !q->rt_first && !q->rt_rests)
        pull_realtime(q);
    if (window == q->window)
        return;
    /* Who slept meanwhile tells nothing: nobody takes from it for that. */
    WRITE_ONCE(q->progress, whole ? from - q->window_from : ~0ull);
    q->window = window;
    q->window_from = from;
    slow = whole ? slowest(q) : NULL;
    if (slow)
        take_from(slow, q);
}
