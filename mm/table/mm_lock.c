/* SPDX-License-Identifier: MIT
 *
 * Who changes an address space, and how he waits for those who read it: mm/table/mm_lock.h.
 */
#include "mm/table/mm_lock.h"

DEFINE_PER_CPU(struct mm_reader, mm_reader);

#define LOOK_TURNS 1000u

bool mm_read_again(struct mm *mm)
{
    struct mm_reader *r = this_cpu_ptr(mm_reader);

    __atomic_store_n(&r->mm, NULL, __ATOMIC_RELEASE);
    for (u32 i = 0; i < LOOK_TURNS && cpu_count > 1; i++) {
        cpu_wait();
        if (READ_ONCE(mm->seq) & 1) {
            if (READ_ONCE(cpu_self()->ready) > 1)
                break; /* who changes it, and may pause, can be one of them */
            continue;
        }
        (void)__atomic_exchange_n(&r->mm, mm, __ATOMIC_SEQ_CST);
        if (!(READ_ONCE(mm->seq) & 1))
            return true;
        __atomic_store_n(&r->mm, NULL, __ATOMIC_RELEASE);
    }
    return false;
}

void mm_wait_for_readers(const struct mm *mm, u64 cpus)
{
    for (; cpus; cpus &= cpus - 1) {
        u32 cpu = (u32)__builtin_ctzll(cpus);

        while (__atomic_load_n(&per_cpu(mm_reader, cpu).mm, __ATOMIC_ACQUIRE) == mm)
            cpu_wait();
    }
}

void mm_lock_slowly(struct mm *mm)
{
    mutex_lock(&mm->lock);
    mm_keep_readers_off(mm);
}
