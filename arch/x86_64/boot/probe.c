/* SPDX-License-Identifier: MIT
 *
 * Tries the memory that the map calls usable: a map that promises memory which is not there
 * would otherwise be believed until the first page table lies in it. Two words are written
 * and read back every 2 MiB below 4 GiB, every GiB above, and in each range's last page;
 * contents do not matter, what is in use is not usable any more. Uncached, because a cache
 * would answer for absent memory. What follows a gap in a range is not trusted either.
 */
#include "arch/x86_64/boot/probe.h"
#include "arch/x86_64/boot/boot.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/mmu/image.h"
#include "arch/x86_64/mmu/mmu.h"
#include "lib/log.h"

#define SPAN_2M (1ul << 21)
#define SPAN_1G (1ul << 30)
#define PATTERN 0x5aa55aa5c33c0ff0ull

/* The second last 2 MiB of addresses: the early tables' last GiB belongs to the framebuffer,
 * which never reaches so far, and to the fixmap behind. */
#define SLOT      510
#define SLOT_BASE (0xffffffffc0000000ul + SLOT * SPAN_2M)

extern pte_t boot_pd_framebuffer[]; /* boot/start.asm */

static bool keeps(volatile u64 *word, u64 value)
{
    *word = value;
    return *word == value;
}

/* Whether the page at `pa` holds what is written to it. */
static bool is_there(paddr_t pa)
{
    volatile u64 *word = (volatile u64 *)(SLOT_BASE + pa % SPAN_2M);
    pte_t *entry = &boot_pd_framebuffer[SLOT];
    bool there;

    pte_store(entry, pte_make_kernel(align_down(pa, SPAN_2M) >> PAGE_SHIFT,
                                     PTE_PROT_R | PTE_PROT_W) |
                         PTE_PCD | PTE_PWT | PTE_LARGE);
    __asm__ volatile("invlpg (%0)\n\tclflush (%0)" ::"r"(word) : "memory");
    there = keeps(word, PATTERN ^ pa) && keeps(word, ~(PATTERN ^ pa));
    pte_store(entry, 0);
    __asm__ volatile("invlpg (%0)" ::"r"(word) : "memory");
    return there;
}

/* The end of what is there of [start, end), which lies on whole pages. */
static paddr_t end_of(paddr_t start, paddr_t end)
{
    paddr_t at = start;

    while (at < end && is_there(at)) {
        paddr_t next = align_down(at, SPAN_2M) + (at < BOOT_REACH ? SPAN_2M : SPAN_1G);

        if (next >= end)
            return is_there(end - PAGE_SIZE) ? end : at;
        at = next;
    }
    return at;
}

u64 probe_memory(struct bootinfo *bi)
{
    u32 kept = 0;
    u64 usable = 0;

    for (u32 i = 0; i < bi->nranges; i++) {
        struct boot_range r = bi->ranges[i];

        if (r.type == BOOT_MEM_USABLE) {
            paddr_t end = r.base + r.len, real = end_of(r.base, end);

            if (real < end)
                printk("boot: memory at %#lx-%#lx is not there\n", (unsigned long)real,
                       (unsigned long)end);
            r.len = real - r.base;
            usable += r.len;
        }
        if (r.len)
            bi->ranges[kept++] = r;
    }
    bi->nranges = kept;
    return usable;
}
