/* SPDX-License-Identifier: MIT
 *
 * Kernel ranges outside the direct map, in two areas: slots of eight pages for guarded
 * stacks (found by bitmap, lowest first; a page table that becomes empty is freed, so that
 * free-page counts come back exactly), and a growing area for device registers.
 *
 * With several CPUs the others are not interrupted for each stack that goes. Its pages are free at
 * once: nobody uses its addresses, and what other CPUs remember of them does no harm until the
 * addresses stand for something else. So a slot is stale until all CPUs have flushed, for
 * many slots at a time. And each CPU keeps the last stacks that it freed for the next ones it
 * needs, mapped as they are, until kspace_drain().
 */
#include "mm/phys/kspace.h"
#include "arch/tlb.h"
#include "lib/kasan.h"
#include "lib/lock.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "mm/phys/buddy.h"

#define SLOT_PAGES  8ul
#define SLOTS       32768ul
#define SLOT_WORDS  (SLOTS / 64)
#define STALE_MAX   32u
#define DEVICE_BASE (KSPACE_BASE + (1ul << 39)) /* the second root entry of the area */

static struct {
    spinlock_t lock;
    u64 used[SLOT_WORDS];
    u8 npages[SLOTS];             /* of the allocation in a slot */
    u32 nstale, stale[STALE_MAX]; /* slots, still marked used */
} kspace;
/* kspace.lock. By itself, for the rest begins as zeros, which the image need not have. */
static vaddr_t device_next = DEVICE_BASE;

#define KEEP_MAX 2u

struct kept_ranges {
    u32 n;
    void *of[KEEP_MAX];
};
static DEFINE_PER_CPU(struct kept_ranges, kept_ranges);

/* The entry for va in the kernel's tables, making tables as needed. NULL: no memory. */
static pte_t *kernel_entry(vaddr_t va, bool make, struct page **leaf_out)
{
    pte_t *table = phys_to_virt(kernel_root);
    struct page *pg = NULL;

    for (unsigned level = PT_LEVELS - 1; level > 0; level--) {
        pte_t *e = &table[pt_index(va, level)];

        if (!pte_present(*e)) {
            pg = make ? page_alloc(0, PA_ZERO) : NULL;
            if (!pg)
                return NULL;
            pg->type = PAGE_TABLE;
            pg->mm = NULL;
            pg->away = NULL;
            pg->base = 0;
            pg->present = pg->naway = 0;
            pg->lock = (spinlock_t)SPINLOCK_INIT;
            pg->level = (u8)(level - 1);
            pg->zeros = 0;
            pg->holders = 0;
            pg->pins = 0;
            /* Never user: the U bit of an upper entry would not matter, but none is set. */
            pte_store(e, page_to_phys(pg) | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED);
        }
        table = phys_to_virt(pte_pfn(*e) << PAGE_SHIFT);
    }
    *leaf_out = virt_to_page(table);
    return &table[pt_index(va, 0)];
}

/* Removes a leaf table without entries. */
static void kernel_leaf_trim(vaddr_t va, struct page *leaf)
{
    pte_t *table = phys_to_virt(kernel_root);

    if (leaf->present)
        return;
    for (unsigned level = PT_LEVELS - 1; level > 1; level--)
        table = phys_to_virt(pte_pfn(table[pt_index(va, level)]) << PAGE_SHIFT);
    pte_store(&table[pt_index(va, 1)], 0);
    arch_flush_kernel(va, va + PAGE_SIZE);
    page_free(leaf, 0);
}

void kspace_init(void)
{
    struct page *leaf;

    /* Make the upper tables of both areas now: they stay for ever and do not disturb the
     * balance of free pages later. A leaf table of stacks comes and goes with its entries. */
    if (!kernel_entry(DEVICE_BASE, true, &leaf) ||
        !kernel_entry(KSPACE_BASE, true, &leaf))
        panic("no memory for the kernel's page tables");
    kernel_leaf_trim(KSPACE_BASE, leaf);
}

/* `lazily`: the slot becomes stale. */
static void unmap_pages(vaddr_t va, size_t npages, bool lazily)
{
    struct page *pages[SLOT_PAGES], *leaf = NULL;

    for (size_t i = 0; i < npages; i++) {
        pte_t *e = kernel_entry(va + i * PAGE_SIZE, false, &leaf);

        pages[i] = pfn_to_page(pte_pfn(*e));
        pte_store(e, 0);
        leaf->present--;
    }
    if (!lazily)
        arch_flush_kernel(va, va + npages * PAGE_SIZE);
    for (size_t i = 0; i < npages; i++)
        page_free(pages[i], 0);
    if (leaf)
        kernel_leaf_trim(va, leaf);
}

static bool map_pages(vaddr_t va, size_t npages)
{
    for (size_t i = 0; i < npages; i++) {
        struct page *pg = page_alloc(0, PA_ZERO), *leaf;
        pte_t *e = pg ? kernel_entry(va + i * PAGE_SIZE, true, &leaf) : NULL;

        if (!e) {
            if (pg)
                page_free(pg, 0);
            if (i)
                unmap_pages(va, i, false);
            return false;
        }
        pte_store(e, pte_make_kernel(page_to_pfn(pg), PTE_PROT_R | PTE_PROT_W));
        leaf->present++;
    }
    return true;
}

/* A sanitizer's shadow of a slot is just one page; a new one says that all may be touched. */
static bool shadow_map(vaddr_t slot_start)
{
#ifdef TESSERA_KASAN
    return map_pages((vaddr_t)kasan_shadow_of((void *)slot_start), 1);
#else
    (void)slot_start;
    return true;
#endif
}

static void shadow_unmap(vaddr_t slot_start, bool lazily)
{
#ifdef TESSERA_KASAN
    unmap_pages((vaddr_t)kasan_shadow_of((void *)slot_start), 1, lazily);
#else
    (void)slot_start;
    (void)lazily;
#endif
}

static bool slot_map(vaddr_t va, size_t npages)
{
    if (!shadow_map(va - PAGE_SIZE))
        return false;
    if (map_pages(va, npages))
        return true;
    shadow_unmap(va - PAGE_SIZE, false);
    return false;
}

static ssize_t slot_find(void)
{
    for (size_t w = 0; w < SLOT_WORDS; w++)
        if (~kspace.used[w])
            return (ssize_t)(w * 64 + (size_t)__builtin_ctzll(~kspace.used[w]));
    return -1;
}

static u64 slot_of(const void *ptr)
{
    return ((vaddr_t)ptr - KSPACE_BASE) / (SLOT_PAGES * PAGE_SIZE);
}

/* A range of that size which this CPU kept, or NULL. */
static void *take_kept(size_t npages)
{
    struct kept_ranges *k = this_cpu_ptr(kept_ranges);
    void *va;

    if (!k->n || kspace.npages[slot_of(k->of[k->n - 1])] != npages || alloc_should_fail())
        return NULL;
    va = k->of[--k->n];
    kasan_unpoison(va, npages * PAGE_SIZE);
    memset(va, 0, npages * PAGE_SIZE);
    return va;
}

void *kspace_alloc(size_t npages)
{
    void *kept = take_kept(npages);
    ssize_t slot;
    vaddr_t va;

    ASSERT(npages > 0 && npages <= SLOT_PAGES - 2);
    if (kept)
        return kept;
    SCOPED_LOCK(&kspace.lock);
    slot = slot_find();
    va = KSPACE_BASE + ((u64)slot * SLOT_PAGES + 1) * PAGE_SIZE;
    if (slot < 0 || !slot_map(va, npages))
        return NULL;
    kspace.used[slot / 64] |= 1ull << (slot % 64);
    kspace.npages[slot] = (u8)npages;
    return (void *)va;
}

static void slot_give_back(u64 slot)
{
    REQUIRES(&kspace.lock);
    kspace.used[slot / 64] &= ~(1ull << (slot % 64));
}

static void slot_make_stale(u64 slot)
{
    REQUIRES(&kspace.lock);
    kspace.stale[kspace.nstale++] = (u32)slot;
    if (kspace.nstale < STALE_MAX)
        return;
    arch_flush_kernel(KSPACE_BASE, DEVICE_BASE);
    while (kspace.nstale)
        slot_give_back(kspace.stale[--kspace.nstale]);
}

static void range_free(void *ptr, size_t npages)
{
    SCOPED_LOCK(&kspace.lock);
    vaddr_t va = (vaddr_t)ptr;
    u64 slot = slot_of(ptr);
    bool lazily = cpu_count > 1;

    unmap_pages(va, npages, lazily);
    shadow_unmap(va - PAGE_SIZE, lazily);
    kspace.npages[slot] = 0;
    if (lazily)
        slot_make_stale(slot);
    else
        slot_give_back(slot);
}

void kspace_free(void *ptr, size_t npages)
{
    struct kept_ranges *k = this_cpu_ptr(kept_ranges);
    u64 slot = slot_of(ptr);

    ASSERT(slot < SLOTS && kspace.npages[slot] == npages);
    if (cpu_count == 1 || k->n == KEEP_MAX) {
        range_free(ptr, npages);
        return;
    }
    kasan_poison(ptr, npages * PAGE_SIZE, KASAN_OBJECT_FREE);
    k->of[k->n++] = ptr;
}

void kspace_drain(void)
{
    struct kept_ranges *k = this_cpu_ptr(kept_ranges);

    while (k->n) {
        void *ptr = k->of[--k->n];

        range_free(ptr, kspace.npages[slot_of(ptr)]);
    }
}

bool kspace_is_guard(vaddr_t va)
{
    u64 slot = (va - KSPACE_BASE) / (SLOT_PAGES * PAGE_SIZE);
    u64 page = (va - KSPACE_BASE) / PAGE_SIZE % SLOT_PAGES;

    if (va < KSPACE_BASE || slot >= SLOTS || !kspace.npages[slot])
        return false;
    return page == 0 || page > kspace.npages[slot];
}

void *kspace_map_device(paddr_t pa, size_t nbytes)
{
    u64 offset = pa % PAGE_SIZE, npages = (offset + nbytes + PAGE_SIZE - 1) / PAGE_SIZE;
    vaddr_t va;

    spin_lock(&kspace.lock);
    va = device_next;
    for (u64 i = 0; i < npages; i++) {
        struct page *leaf;
        pte_t *e = kernel_entry(va + i * PAGE_SIZE, true, &leaf);

        if (!e) { /* what was mapped stays for the next caller: addresses are plenty */
            spin_unlock(&kspace.lock);
            return NULL;
        }
        /* As the PAT is set: PWT+PCD is uncached. */
        pte_store(e, pte_make_kernel((pa >> PAGE_SHIFT) + i, PTE_PROT_R | PTE_PROT_W) |
                         PTE_PWT | PTE_PCD);
        leaf->present++;
    }
    device_next = va + (npages + 1) * PAGE_SIZE;
    spin_unlock(&kspace.lock);
    return (void *)(va + offset);
}
