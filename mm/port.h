/* SPDX-License-Identifier: MIT
 *
 * What lib and mm need from the kernel around them, all of it: a kernel that provides these has a
 * port (docs/porting.md). Tessera's is spread over kernel/ and arch/x86_64/; the host tests'
 * is tests/host/port.c, that of an example kernel tests/port/port.c. `make lib` fails when
 * the archive wants something that is not declared here.
 *
 * Sizes and bounds are in arch/bounds.h, what is inline in arch/cpu.h and arch/mmu.h; a port
 * may bring its own of each.
 */
#pragma once

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "lib/percpu.h"
#include "lib/types.h"

struct account;
enum rank;

/* ---- the end ---- */

/* One of our own rules was broken: reports and stops the machine. */
noreturn void panic(const char *fmt, ...) printf_like(1, 2);

/* ---- threads: only the slow path of a sleeping lock parks ---- */

/* The running thread, as a handle. */
void *thread_self(void);
/* Sleeps until thread_unpark(handle) was called since the last return; may return early. */
void thread_park(void);
void thread_unpark(void *thread);

/* ---- long calls let others run (lib/pause.h) ---- */

/* Cycles a thread may go on before it looks whether others wait; ~0: for ever. */
extern u64 pause_cycles;
bool pause_wanted(void);
/* When the running thread got this CPU, by cpu_cycles(). */
DECLARE_PER_CPU(u64, pause_since);
void pause_now(void);
/* Whether the running thread is to end: long calls then give up with -EINTR. */
bool pause_killed(void);

/* ---- who pays (mm/phys/account.h) ---- */

/* Of the running thread; account_root and RANK_KERNEL where there are no users. */
struct account *account_current(void);
enum rank rank_current(void);
/* Whether the running thread has a capability of lib/uapi/capability.h: CAP_IPC_LOCK locks any number
 * of pages, CAP_SYS_RAWIO maps below mm_min_addr, CAP_SYS_ADMIN takes the last that may be promised. */
bool caller_may(unsigned cap);

/* ---- CPUs ---- */

/* GS base of each CPU is the address of its own; `offset` first. One CPU: offset 0. */
extern struct cpu cpu_local;
extern u32 cpu_count;
uintptr_t cpu_offset_of(u32 id);
/* Called in each turn of a wait for another CPU, if cpu_count is more than 1. */
void cpu_serve(void);

/* ---- the MMU ---- */

/* Root table of the kernel, loaded when no address space is. */
extern paddr_t kernel_root;
/* PTE_NX, or 0 where the CPU has no such bit. */
extern u64 pte_nx_mask;
/* Whether there are protection keys; only then arch_keys_load() and arch_keys_store() are called
 * (arch/pkey.h), and have to be there. */
extern bool keys_on;
/* Fills in the kernel half of a new root table, so that it never changes afterwards. */
void arch_root_init(pte_t *root);
/* Loads a root on the running CPU; mm NULL: the kernel's. */
void arch_mm_load(struct mm *mm, paddr_t root);
/* Forgets all user translations of this CPU. */
void arch_flush_user_all(void);
/* Makes the CPUs in `cpus` (a bit for each, not ours) forget [start, end) of mm, everything
 * when both are 0, and waits for them. */
void arch_shootdown(struct mm *mm, u64 cpus, vaddr_t start, vaddr_t end);
/* Makes every CPU forget a range of kernel addresses, and waits. */
void arch_flush_kernel(vaddr_t start, vaddr_t end);

/* ---- checked builds only (lib/lock.h) ---- */

#ifdef LOCKS_CHECKED
struct held_mutexes *thread_mutexes(void);
#endif
