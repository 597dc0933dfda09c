/* SPDX-License-Identifier: MIT
 *
 * Events of userfaultfd(2): what calls do to memory, and tell its monitors.
 *
 *   gathered, `changing` rises ── the call ──> u->events ── read() ──> the call returns
 *
 * The calls below are those of mm/call/calls.h. They gather first whom they have to tell, in records
 * of their own, so that nothing fails afterwards; they wait, without a lock, until each has
 * read it, is closed, or the thread is to end. With MADV_DONTNEED and its like the monitor
 * reads before anything happens, else afterwards. Callers ask `uffd_tells` before: nearly
 * always nobody wants to be told.
 */
#pragma once

#include "mm/call/calls.h"

struct uffd;

/* So many descriptors want events. */
extern u32 uffd_tells;

long uffd_munmap(struct mm *mm, vaddr_t addr, u64 len);
int uffd_mmap(struct mm *mm, const struct mmap_args *args, vaddr_t *out);
vaddr_t uffd_brk(struct mm *mm, vaddr_t brk, bool exec);
int uffd_mremap(struct mm *mm, vaddr_t addr, u64 old_len, u64 new_len, u32 flags,
                vaddr_t new_addr, vaddr_t *out);
int uffd_madvise(struct mm *mm, vaddr_t addr, u64 len, int advice);

/* After mm_fork(), before the child runs: monitors that have an heir in `child` are told. -ENOMEM: the
 * child is to be given up. As on Linux the child may have copies of the monitors' descriptors by
 * then, which only its end closes. */
int must_check uffd_fork(struct mm *child);

/* Who waits for u to read goes on, and later ones do not wait. */
void uffd_end_events(struct uffd *u);
