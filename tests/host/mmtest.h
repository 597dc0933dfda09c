/* SPDX-License-Identifier: MIT
 *
 * Short forms for tests of the memory system: address spaces, mappings, files whose pages
 * hold their own number, and a picture of a state that can be compared.
 */
#pragma once

#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/op/mm.h"
#include "mm/phys/buddy.h"
#include "mm/table/pagetable.h"
#include "mm/vm/object.h"
#include "mm/vm/vma.h"
#include "tests/host/harness.h"
#include "tests/host/port.h"
#include "tests/host/rnd.h"

#define P    PAGE_SIZE
#define RW   (PROT_READ | PROT_WRITE)
#define RWX  (PROT_READ | PROT_WRITE | PROT_EXEC)
#define BASE 0x40000000ul /* 2 MiB aligned */

struct mm *t_mm(void);
void t_end(struct mm *mm);   /* unloads and puts */
void t_check(struct mm *mm); /* invariants of mm and of the TLBs */

/* npages pages, page i beginning with the number i + 1. One reference. */
struct vm_object *t_file(u32 npages);

/* Mappings that must succeed; addr 0: the kernel chooses, else MAP_FIXED. */
vaddr_t t_anon(struct mm *mm, vaddr_t addr, u64 npages, u32 prot);
vaddr_t t_map(struct mm *mm, vaddr_t addr, u64 npages, u32 prot, u32 flags,
              struct vm_object *o, pgoff_t pgoff);
static inline vaddr_t t_shared(struct mm *mm, vaddr_t addr, u64 npages,
                               struct vm_object *o, pgoff_t pgoff)
{
    return t_map(mm, addr, npages, RW, MAP_SHARED, o, pgoff);
}

/* The access by a program; only its result. */
enum fault_result t_try(struct mm *mm, vaddr_t va, u32 kind);
/* The entry that translates va, or 0. */
pte_t t_pte(struct mm *mm, vaddr_t va);
u32 t_vmas(const struct mm *mm);

/* Everything a program could tell apart, as one number: VMAs, arrangement, rights, contents,
 * limits. Frames and tables are left out: a failed call may leave an empty table. */
u64 t_picture(struct mm *mm);
/* The same for a file: size, pages, contents. */
u64 t_picture_file(struct vm_object *o);
