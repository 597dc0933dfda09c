/* SPDX-License-Identifier: MIT
 *
 * The MMU of the explorer: physical memory is one array, the descriptors another, and what a
 * CPU's TLB remembers is in tools/explorer/machine.c.
 */
#pragma once

#include "arch/pte.h"
#include "lib/types.h"

#define EX_MEMORY (16ul << 20)
#define EX_FRAMES (EX_MEMORY / PAGE_SIZE)

struct mm;
struct page;

extern char ex_arena[EX_MEMORY]; /* physical address 0 */
extern struct page *ex_memmap;
#define memmap ex_memmap /* not at MEMMAP_BASE */

static inline void *phys_to_virt(paddr_t pa)
{
    return ex_arena + pa;
}

static inline paddr_t virt_to_phys(const void *va)
{
    return (paddr_t)((const char *)va - ex_arena);
}

extern paddr_t kernel_root;

void arch_root_init(pte_t *root);
void arch_mm_load(struct mm *mm, paddr_t root);
void arch_flush_page(vaddr_t va);
void arch_flush_user_all(void);
void arch_flush_kernel(vaddr_t start, vaddr_t end);
void arch_shootdown(struct mm *mm, u64 cpus, vaddr_t start, vaddr_t end);
