/* SPDX-License-Identifier: MIT
 *
 * What threads need to know of CPUs they do not see: rseq and membarrier.
 */
#include "arch/mmu.h"
#include "arch/tlb.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/rseq.h"
#include "kernel/task/sched/runq.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"

#define RSEQ_FLAG_UNREGISTER 1u

static long rseq_unregister(struct thread *t, vaddr_t at, u32 size, u32 signature)
{
    if (!t->rseq || t->rseq != at || t->rseq_size != size)
        return -EINVAL;
    if (t->rseq_signature != signature)
        return -EPERM;
    if (rseq_write_cpu(at, 0, RSEQ_CPU_UNSET) != 0)
        return -EFAULT;
    t->rseq = 0;
    t->rseq_due = false;
    return 0;
}

/* What a former sequence left there must not be taken for one of this program's. */
static int forget_sequence(vaddr_t at)
{
    const vaddr_t field = at + 8;
    u64 sequence;

    if (copy_from_user(&sequence, field, sizeof(sequence)) != 0)
        return -EFAULT;
    return sequence ? clear_user(field, sizeof(sequence)) : 0;
}

/* rseq(at, size, flags, signature) */
long sys_rseq(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    vaddr_t at = a->a0;
    u32 size = (u32)a->a1, flags = (u32)a->a2, signature = (u32)a->a3;

    if (flags == RSEQ_FLAG_UNREGISTER)
        return rseq_unregister(t, at, size, signature);
    if (flags)
        return -EINVAL;
    if (t->rseq) {
        if (t->rseq != at || t->rseq_size != size)
            return -EINVAL;
        return t->rseq_signature == signature ? -EBUSY : -EPERM;
    }
    if (at % RSEQ_ALIGN || size < RSEQ_SIZE)
        return -EINVAL;
    if (!user_range_ok(at, size) || forget_sequence(at) != 0)
        return -EFAULT;
    t->rseq_size = size;
    t->rseq_signature = signature;
    t->rseq = at;
    rseq_note(t); /* the CPU's number is there before the program goes on */
    return 0;
}

/* Commands of membarrier(2); each REGISTER is one bit more. */
#define GLOBAL                      1u
#define GLOBAL_EXPEDITED            2u
#define REGISTER_GLOBAL_EXPEDITED   4u
#define PRIVATE_EXPEDITED           8u
#define REGISTER_PRIVATE_EXPEDITED  16u
#define PRIVATE_EXPEDITED_SYNC_CORE 32u
#define REGISTER_SYNC_CORE          64u
#define PRIVATE_EXPEDITED_RSEQ      128u
#define REGISTER_RSEQ               256u
#define GET_REGISTRATIONS           512u
#define ALL                         1023u
#define FLAG_CPU                    1u

/* The thread of `mm` that runs on the CPU leaves its sequence before it goes on: it is
 * interrupted after this. Who does not run has left it when it does again. */
static void note_on(u32 cpu, const struct mm *mm)
{
    struct runq *q = runqs[cpu];
    irqflags_t flags = spin_lock_irq(&q->lock);
    struct thread *t = q->current;

    if (t && t->proc && t->proc->mm == mm && READ_ONCE(t->rseq))
        rseq_note(t);
    spin_unlock_irq(&q->lock, flags);
}

/* All CPUs in `cpus`: memory that was written before is seen after. Threads that do not run have
 * passed a switch, which is a barrier. Others pass one with the request to forget a page that
 * nobody has; INVLPG also makes a CPU fetch its instructions anew. */
static void barrier_on(struct mm *mm, u64 cpus)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    cpus &= ~(1ull << cpu_id());
    if (cpus)
        arch_shootdown(mm, cpus, 0, PAGE_SIZE);
}

static long private_barrier(struct mm *mm, u32 cmd, u64 wanted)
{
    u64 cpus;

    if (!(__atomic_load_n(&mm->membarrier, __ATOMIC_SEQ_CST) & cmd << 1))
        return -EPERM;
    /* Who loads it from now on passes a barrier doing so. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    cpus = __atomic_load_n(&mm->cpus, __ATOMIC_SEQ_CST) & wanted;
    if (cmd == PRIVATE_EXPEDITED_RSEQ)
        for (u64 left = cpus; left; left &= left - 1)
            note_on((u32)__builtin_ctzll(left), mm);
    barrier_on(mm, cpus);
    if (cmd == PRIVATE_EXPEDITED_SYNC_CORE)
        arch_flush_page(0); /* this CPU too */
    return 0;
}

long sys_membarrier(const struct syscall_args *a)
{
    struct mm *mm = current_proc()->mm;
    u32 cmd = (u32)a->a0, flags = (u32)a->a1, seen;
    s32 cpu = (s32)a->a2;

    if (flags && (cmd != PRIVATE_EXPEDITED_RSEQ || flags != FLAG_CPU))
        return -EINVAL;
    switch (cmd) {
    case 0:
        return ALL;
    case GET_REGISTRATIONS:
        seen = __atomic_load_n(&mm->membarrier, __ATOMIC_SEQ_CST);
        /* As on Linux, where the two are kinds of this one. */
        return seen & (REGISTER_SYNC_CORE | REGISTER_RSEQ)
                   ? seen | REGISTER_PRIVATE_EXPEDITED
                   : seen;
    case REGISTER_GLOBAL_EXPEDITED:
    case REGISTER_PRIVATE_EXPEDITED:
    case REGISTER_SYNC_CORE:
    case REGISTER_RSEQ:
        __atomic_fetch_or(&mm->membarrier, cmd, __ATOMIC_SEQ_CST);
        return 0;
    case PRIVATE_EXPEDITED:
    case PRIVATE_EXPEDITED_SYNC_CORE:
        return private_barrier(mm, cmd, ~0ull);
    case PRIVATE_EXPEDITED_RSEQ:
        if (!flags || cpu < 0)
            return private_barrier(mm, cmd, ~0ull);
        return private_barrier(mm, cmd, cpu < MAX_CPUS ? 1ull << cpu : 0);
    case GLOBAL:
    case GLOBAL_EXPEDITED:
        barrier_on(mm, cpus_running());
        return 0;
    default:
        return -EINVAL;
    }
}
