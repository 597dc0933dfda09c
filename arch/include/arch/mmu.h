/* SPDX-License-Identifier: MIT
 *
 * The contract with the MMU: where physical memory is seen, how translations are flushed,
 * how an address space is made current. The format of entries is in arch/pte.h.
 * Host builds use tests/host/fakearch/arch/mmu.h instead.
 *
 * Kernel half of every address space (the top 256 root entries, shared by all; the bounds are
 * in arch/bounds.h):
 *
 *   0xffff800000000000  DIRECT_BASE   all physical memory, NX, 1 GiB/2 MiB/4 KiB pages
 *   0xffffd00000000000  MEMMAP_BASE   struct page array, present where there is RAM
 *   0xffffe00000000000  KSPACE_BASE   kernel ranges: guarded stacks, MMIO
 *   0xffffffff80000000  KERNEL_BASE   the image: text RX, rodata R, data RW NX
 */
#pragma once

#include "arch/pte.h"
#include "lib/types.h"

#define KERNEL_BASE 0xffffffff80000000ul

struct mm;
struct bootinfo;

static inline void *phys_to_virt(paddr_t pa)
{
    return (void *)(DIRECT_BASE + pa);
}

/* Only for addresses of the direct map. */
static inline paddr_t virt_to_phys(const void *va)
{
    return (uintptr_t)va - DIRECT_BASE;
}

/* Builds the final kernel tables from `bi` with frames of boot_alloc: the direct map of all
 * usable and firmware memory, the memmap for usable memory, the image W^X; then switches to
 * them and turns on NX, WP, SMEP, SMAP, UMIP, PGE as the CPU has them. Panics with one clear
 * line when memory does not suffice. Called once, before the buddy allocator exists. */
void arch_mmu_init(const struct bootinfo *bi);

/* Physical address of the kernel's root table. */
extern paddr_t kernel_root;

/* Copies the kernel half of the root into a new user root table. All root entries of the
 * kernel half exist from boot on, so this never has to be repeated. */
void arch_root_init(pte_t *root);

/* Local flushes of user translations of the loaded address space. */
static inline void arch_flush_page(vaddr_t va)
{
    __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}
