/* SPDX-License-Identifier: MIT
 *
 * The memory of threads.
 */
#include "fs/groups.h"
#include "kernel/ptrace/family.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/strace.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/sched/sched_own.h"
#include "kernel/task/sched/wake.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/kspace.h"
#include "mm/phys/slab.h"

SLAB_CACHE_LINES(thread_cache, "thread", struct thread);

/* Calls are traced, or debug kernels measure each and make allocations of some fail. */
static bool calls_go_long(void)
{
#ifdef TESSERA_DEBUG
    return true;
#else
    return strace_on;
#endif
}

struct thread *thread_create(struct proc *proc, const char *name, void (*fn)(void *),
                             void *arg)
{
    struct thread *t = slab_zalloc(&thread_cache);

    if (!t)
        return NULL;
    t->kstack = kspace_alloc(KSTACK_SIZE / PAGE_SIZE);
    if (!t->kstack)
        goto out_free;
    if (arch_thread_init(&t->arch, (uintptr_t)t->kstack + KSTACK_SIZE, sched_thread_begin,
                         t) != 0)
        goto out_stack;
    t->work = THREAD_LOOK | (calls_go_long() ? THREAD_LONG : 0);
    t->proc = proc;
    t->state = THREAD_UNPLACED;
    t->cpu = cpu_id();
    t->allowed = ~0ull;
    t->entry = fn;
    t->entry_arg = arg;
    list_init(&t->proc_link);
    list_init(&t->stop_link);
    list_init(&t->tid_link);
    list_init(&t->pi_owned);
    list_init(&t->records.queued);
    ktimer_init(&t->sleep_timer, sched_sleep_over);
    str_copy(t->comm, name, sizeof(t->comm));
    return t;

out_stack:
    kspace_free(t->kstack, KSTACK_SIZE / PAGE_SIZE);
out_free:
    slab_free(&thread_cache, t);
    return NULL;
}

size_t thread_bytes(void)
{
    return sizeof(struct thread) + KSTACK_SIZE + arch_fpu_size();
}

void thread_free(struct thread *t)
{
    ptrace_free(t->trace);
    if (unlikely(t->policy == SCHED_DEADLINE))
        deadline_forget(t);
    groups_put(t->cred_room.fs.groups);
    arch_thread_fini(&t->arch);
    kspace_free(t->kstack, KSTACK_SIZE / PAGE_SIZE);
    slab_free(&thread_cache, t);
}

int kthread_create(const char *name, void (*fn)(void *), void *arg)
{
    struct thread *t = thread_create(NULL, name, fn, arg);

    if (!t)
        return -ENOMEM;
    thread_launch(t);
    return 0;
}
