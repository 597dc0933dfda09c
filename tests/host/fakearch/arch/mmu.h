/* SPDX-License-Identifier: MIT
 *
 * The MMU of host builds: physical memory is one block of the host's, the memmap an ordinary
 * array, and translations are remembered as a TLB does; see tests/host/port.c.
 */
#pragma once

#include "arch/pte.h"
#include "lib/types.h"

struct mm;
struct page;
struct bootinfo;

extern char *host_arena; /* physical address 0 */
extern struct page *host_memmap;
#define memmap host_memmap /* not at MEMMAP_BASE */

static inline void *phys_to_virt(paddr_t pa)
{
    return host_arena + pa;
}

static inline paddr_t virt_to_phys(const void *va)
{
    return (paddr_t)((const char *)va - host_arena);
}

extern paddr_t kernel_root;

void arch_root_init(pte_t *root);
void arch_mm_load(struct mm *mm, paddr_t root);
void arch_flush_page(vaddr_t va);
void arch_flush_user_all(void);
void arch_flush_kernel(vaddr_t start, vaddr_t end);
void arch_shootdown(struct mm *mm, u64 cpus, vaddr_t start, vaddr_t end);
