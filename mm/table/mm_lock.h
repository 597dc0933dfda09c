/* SPDX-License-Identifier: MIT
 *
 * The lock of an address space's VMAs (M) in three strengths.
 *
 *   mm_lock()         exclusive, for calls that change VMAs, tables or arrays; may sleep
 *   mm_lock_shared()  they stand still, for as long as the caller likes; may sleep
 *   mm_read_begin()   they stand still until mm_read_end(); never sleeps, writes nothing that
 *                     another CPU touches, and may fail: then one takes a stronger one
 *
 * The third is for what threads do all the time on all CPUs: faults, remaps, MADV_DONTNEED. The
 * reader announces in a word of its own CPU which address space it reads, and then looks
 * whether somebody changes it; who wants to change raises `seq` to an odd number, and then waits
 * until no CPU that has the address space loaded announces it. Both have a full barrier between
 * their two steps, so at least one sees the other (tests/models/reader.pml). A reader does not
 * pause, so the wait is short; the waiter serves flushes meanwhile.
 *
 * `seq` also tells whether what was found earlier still holds: see vma_read() in mm/vm/vma.h.
 */
#pragma once

#include "lib/lock.h"
#include "lib/percpu.h"
#include "mm/table/mm_types.h"

/* Alone on its cache line: others read it when they want to change an address space. */
struct mm_reader {
    struct mm *mm; /* NULL: none */
} __attribute__((aligned(64)));

DECLARE_PER_CPU(struct mm_reader, mm_reader);

/* The rest of mm_lock(): where M is not free, and where others may read mm: until none of these
 * CPUs does. */
void mm_lock_slowly(struct mm *mm);
void mm_wait_for_readers(const struct mm *mm, u64 cpus);

/* The second half of mm_lock(). */
static always_inline void mm_keep_readers_off(struct mm *mm)
{
    u64 others;

    __atomic_fetch_add(&mm->seq, 1, __ATOMIC_SEQ_CST);
    SPIN_CHECK(mm->seq & 1);
    /* A CPU that loads it from now on sees the odd number. */
    others = __atomic_load_n(&mm->cpus, __ATOMIC_SEQ_CST) & ~(1ull << cpu_id());
    if (unlikely(others))
        mm_wait_for_readers(mm, others);
}

static always_inline void mm_lock(struct mm *mm)
{
    if (likely(mutex_lock_now(&mm->lock)))
        mm_keep_readers_off(mm);
    else
        mm_lock_slowly(mm);
}

static always_inline void mm_unlock(struct mm *mm)
{
    __atomic_store_n(&mm->seq, mm->seq + 1, __ATOMIC_RELEASE);
    mutex_unlock_alone(&mm->lock);
}

static always_inline void mm_lock_shared(struct mm *mm)
{
    mutex_lock_shared(&mm->lock);
}

static inline void mm_unlock_shared(struct mm *mm)
{
    mutex_unlock(&mm->lock);
}

/* The rest of mm_read_begin() when somebody changes mm: waits for a moment until he has done.
 * Without that one change would make all readers take M, each of whom the next one meets. */
bool mm_read_again(struct mm *mm);

/* The first step: announces that this CPU reads mm, the loaded one. Its `seq` then. */
static always_inline u64 mm_read_announce(struct mm *mm)
{
    SPIN_CHECK(!this_cpu(mm_reader).mm);
    (void)__atomic_exchange_n(&this_cpu_ptr(mm_reader)->mm, mm, __ATOMIC_SEQ_CST);
    return READ_ONCE(mm->seq);
}

/* The end of it, where `seq` was even: in checked builds the reader counts as a spinlock and as M
 * shared. */
static always_inline void mm_read_note(struct mm *mm)
{
    mutex_note_taken(&mm->lock, MUTEX_SHARED);
    SPIN_NOTE(1);
    (void)mm;
}

/* False: mm is not the loaded one, or somebody changes it. Until mm_read_end() the caller
 * neither sleeps nor pauses. Who wants one VMA asks vma_read_begin(). */
static always_inline bool mm_read_begin(struct mm *mm)
{
    if (unlikely(cpu_own.mm != mm))
        return false;
    if (unlikely(mm_read_announce(mm) & 1) && !mm_read_again(mm))
        return false;
    mm_read_note(mm);
    return true;
}

static always_inline void mm_read_end(struct mm *mm)
{
    SPIN_CHECK(this_cpu(mm_reader).mm == mm);
    SPIN_NOTE(-1);
    mutex_note_given_up(&mm->lock);
    (void)mm;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    WRITE_ONCE(this_cpu(mm_reader).mm, NULL);
}
