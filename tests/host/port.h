/* SPDX-License-Identifier: MIT
 *
 * The machine of the host tests: memory, CPUs with TLBs that remember, and accesses as
 * programs make them.
 */
#pragma once

#include <semaphore.h>

#include "lib/types.h"
#include "mm/op/fault_handle.h"
#include "mm/phys/account.h"

struct mm;

/* What account_current, rank_current and caller_may answer. */
extern struct account *host_account;
extern enum rank host_rank;
extern u64 host_caps;

#define HOST_MEMORY (256ul << 20)

/* Memory with a hole, allocators, zero page, kernel ranges. Once per process. */
void host_boot(void);
u64 host_free_at_boot(void);

/* One access by the running CPU, whose address space becomes mm: through the TLB, else a walk
 * that checks rights as the hardware does and is remembered; faults are resolved. The bytes
 * lie in one page. kind: FAULT_READ, FAULT_WRITE or FAULT_EXEC (reads). */
enum fault_result host_access(struct mm *mm, vaddr_t va, void *buf, size_t n, u32 kind);

static inline enum fault_result host_read(struct mm *mm, vaddr_t va, void *buf, size_t n)
{
    return host_access(mm, va, buf, n, FAULT_READ);
}

static inline enum fault_result host_write(struct mm *mm, vaddr_t va, const void *buf,
                                           size_t n)
{
    return host_access(mm, va, (void *)(uintptr_t)buf, n, FAULT_WRITE);
}

u32 host_read_u32(struct mm *mm, vaddr_t va); /* fails the test on a fault */
void host_write_u32(struct mm *mm, vaddr_t va, u32 value);

/* Fails when a CPU remembers a translation that the tables no longer give: another frame,
 * more rights, or a freed table. */
void host_tlb_check(void);

/* Number of translations remembered by the running CPU for va: 0 or 1. */
unsigned host_tlb_holds(vaddr_t va);

/* Pauses (lib/pause.h). With pause_cycles 0 every point pauses: the hook then runs, as another
 * thread would (without one: other host threads). host_killed: what pause_killed() says. */
extern void (*host_pause_hook)(void);
extern u64 host_pauses;
extern bool host_killed;

/* What wakes the running host thread. */
sem_t *host_wake_up(void);

/* Takes mm off every CPU (before mm_put). */
void host_unload(struct mm *mm);
