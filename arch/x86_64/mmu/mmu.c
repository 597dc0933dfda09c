/* SPDX-License-Identifier: MIT
 *
 * The final kernel tables: direct map, memmap, image, room for kernel ranges and device
 * registers. Made once from boot memory through the early direct map, which reaches 4
 * GiB. All root entries of the kernel half that will ever be used are made here.
 */
#include "arch/mmu.h"
#include "arch/bootinfo.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/extable.h"
#include "arch/x86_64/mmu/framebuffer.h"
#include "arch/x86_64/mmu/image.h"
#include "arch/x86_64/mmu/mmu.h"
#include "lib/assert.h"
#include "lib/kasan.h"
#include "lib/string.h"
#include "mm/phys/boot_alloc.h"
#include "mm/phys/page.h"

#define ROOT_HALF   (PT_ENTRIES / 2)
#define SPAN_4K     PAGE_SIZE
#define SPAN_2M     (1ul << 21)
#define SPAN_1G     (1ul << 30)
#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)

/* The highest 2 MiB: registers of devices needed before kernel ranges exist. */
#define FIXMAP_BASE  0xffffffffffe00000ul
#define FIXMAP_SLOTS 16u

/* Behind them in the same table: a window for reading firmware's tables. */
#define WINDOW_BASE  (FIXMAP_BASE + 32 * PAGE_SIZE)
#define WINDOW_PAGES 257u /* 1 MiB at any offset in a page */

paddr_t kernel_root;
u64 pte_nx_mask;

static u32 fixmap_used;

/* The table below *entry, made when there is none. */
static pte_t *table_below(pte_t *entry)
{
    if (!pte_present(pte_load(entry)))
        pte_store(entry, boot_alloc_pages(1, 1) | TABLE_FLAGS);
    return phys_to_virt(pte_load(entry) & PTE_ADDR);
}

/* The entry of `va` at `level`, with all tables above it. */
static pte_t *entry_at(vaddr_t va, unsigned level)
{
    pte_t *table = phys_to_virt(kernel_root);

    for (unsigned l = PT_LEVELS - 1; l > level; l--)
        table = table_below(&table[pt_index(va, l)]);
    return &table[pt_index(va, level)];
}

static unsigned largest_level(vaddr_t va, paddr_t pa, u64 len)
{
    if (cpu_features.page1g && is_aligned(va | pa, SPAN_1G) && len >= SPAN_1G)
        return 2;
    return is_aligned(va | pa, SPAN_2M) && len >= SPAN_2M ? 1 : 0;
}

/* Maps [pa, pa + len) at va with the largest pages that fit. What is mapped already
 * stays: two ranges of the map may share a page. */
static void map_range_cached(vaddr_t va, paddr_t pa, u64 len, u32 prot, u64 caching)
{
    while (len) {
        unsigned level = largest_level(va, pa, len);
        pte_t *entry = entry_at(va, level);
        u64 span;

        while (level && pte_present(pte_load(entry)) && !pte_large(pte_load(entry)))
            entry = entry_at(va, --level);
        span = MIN(pt_span(level), len);
        if (!pte_present(pte_load(entry)))
            pte_store(entry, pte_make_kernel(pa >> PAGE_SHIFT, prot) | caching |
                                 (level ? PTE_LARGE : 0));
        va += span;
        pa += span;
        len -= span;
    }
}

static void map_range(vaddr_t va, paddr_t pa, u64 len, u32 prot)
{
    map_range_cached(va, pa, len, prot, 0);
}

/* Direct map of [start, end): text and read-only data of the image are read-only there
 * too. */
static void map_direct(paddr_t start, paddr_t end)
{
    paddr_t ro_start = image_to_phys(image_start),
            ro_end = image_to_phys(image_rodata_end);

    if (start < ro_end && end > ro_start) {
        paddr_t lo = MAX(start, ro_start), hi = MIN(end, ro_end);

        map_range(DIRECT_BASE + start, start, lo - start, PTE_PROT_R | PTE_PROT_W);
        map_range(DIRECT_BASE + lo, lo, hi - lo, PTE_PROT_R);
        start = hi;
    }
    map_range(DIRECT_BASE + start, start, end - start, PTE_PROT_R | PTE_PROT_W);
}

/* Backs [va, stop) with zeroed memory where it is not yet. */
static void map_fresh(vaddr_t va, vaddr_t stop)
{
    while (va < stop) {
        bool large = is_aligned(va, SPAN_2M) && stop - va >= SPAN_2M &&
                     !pte_present(pte_load(entry_at(va, 1)));
        paddr_t pa = large ? boot_alloc_try(SPAN_2M / PAGE_SIZE, SPAN_2M / PAGE_SIZE) : 0;
        pte_t *entry = entry_at(va, pa ? 1 : 0);

        if (pa)
            pte_store(entry, pte_make_kernel(pa >> PAGE_SHIFT, PTE_PROT_R | PTE_PROT_W) |
                                 PTE_LARGE);
        else if (!pte_present(pte_load(entry)))
            pte_store(entry, pte_make_kernel(boot_alloc_pages(1, 1) >> PAGE_SHIFT,
                                             PTE_PROT_R | PTE_PROT_W));
        va += pa ? SPAN_2M : SPAN_4K;
    }
}

/* Backs the memmap of the frames of [start, end). */
static void map_memmap(paddr_t start, paddr_t end)
{
    map_fresh(align_down((vaddr_t)pfn_to_page(start >> PAGE_SHIFT), PAGE_SIZE),
              align_up((vaddr_t)pfn_to_page(end >> PAGE_SHIFT), PAGE_SIZE));
}

#ifdef TESSERA_KASAN
/* The sanitizer's shadow of the direct map up to `top`, and room for that of stacks. */
static void map_shadow(paddr_t top)
{
    vaddr_t start = (vaddr_t)kasan_shadow_of((void *)DIRECT_BASE);

    map_fresh(start, start + align_up(top / KASAN_GRANULE, PAGE_SIZE));
    entry_at((vaddr_t)kasan_shadow_of((void *)KSPACE_BASE), 1);
}
#endif

static bool is_memory(u32 type)
{
    return type == BOOT_MEM_USABLE || type == BOOT_MEM_LOADER || type == BOOT_MEM_ACPI;
}

#ifdef TESSERA_KASAN
static paddr_t memory_top(const struct bootinfo *bi)
{
    paddr_t top = 0;

    for (u32 i = 0; i < bi->nranges; i++)
        if (is_memory(bi->ranges[i].type))
            top = MAX(top, bi->ranges[i].base + bi->ranges[i].len);
    return align_up(top, PAGE_SIZE);
}
#endif

/* Neighbouring ranges are mapped as one, so that large pages fit across them. */
static void map_memory(const struct bootinfo *bi, void (*map)(paddr_t start, paddr_t end))
{
    for (u32 i = 0; i < bi->nranges;) {
        paddr_t start, end;

        if (!is_memory(bi->ranges[i].type)) {
            i++;
            continue;
        }
        start = align_down(bi->ranges[i].base, PAGE_SIZE);
        do {
            end = bi->ranges[i].base + bi->ranges[i].len;
            i++;
        } while (i < bi->nranges && is_memory(bi->ranges[i].type) &&
                 bi->ranges[i].base == end);
        end = align_up(end, PAGE_SIZE);
        map(start, end);
    }
}

static void map_image_part(const char *start, const char *end, u32 prot)
{
    map_range((vaddr_t)start, image_to_phys(start), (u64)(end - start), prot);
}

static void map_image(void)
{
    map_image_part(image_start, image_text_end, PTE_PROT_R | PTE_PROT_X);
    map_image_part(image_text_end, image_rodata_end, PTE_PROT_R);
    map_image_part(image_rodata_end, boot_stack_guard, PTE_PROT_R | PTE_PROT_W);
    map_image_part(boot_stack_guard + PAGE_SIZE, image_end, PTE_PROT_R | PTE_PROT_W);
}

/* Root entries for later: kernel ranges and the fixmap. Those of the direct map and the
 * memmap exist where there is memory, and memory is never added. */
static void make_roots(void)
{
    for (vaddr_t va = KSPACE_BASE; va < KSPACE_END; va += pt_span(PT_LEVELS - 1))
        entry_at(va, PT_LEVELS - 2);
    entry_at(FIXMAP_BASE, 0);
}

static void map_framebuffer(void)
{
    struct framebuffer_window w = framebuffer_window();

    map_range_cached(w.va, w.pa, w.nbytes, PTE_PROT_R | PTE_PROT_W, PTE_PWT);
}

static void enable_protections(void)
{
    const struct cpu_features *f = &cpu_features;

    write_cr4(read_cr4() | (f->pge ? CR4_PGE : 0) | (f->smep ? CR4_SMEP : 0) |
              (f->smap ? CR4_SMAP : 0) | (f->umip ? CR4_UMIP : 0));
}

void arch_mmu_init(const struct bootinfo *bi)
{
    if (cpu_features.nx) {
        wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
        pte_nx_mask = PTE_NX;
    }
    if (cpu_features.smap)
        smap_patch(); /* the early tables let us write text */
    kernel_root = boot_alloc_pages(1, 1);
    map_image();
    map_memory(bi, map_direct);
    map_framebuffer();
    map_range_cached(DIRECT_BASE + VGA_TEXT, VGA_TEXT, PAGE_SIZE, PTE_PROT_R | PTE_PROT_W,
                     PTE_PCD | PTE_PWT);
    make_roots();
    write_cr3(kernel_root);
    boot_alloc_reach_all(); /* the descriptors of a large machine do not fit below 4 GiB */
    map_memory(bi, map_memmap);
#ifdef TESSERA_KASAN
    map_shadow(memory_top(bi));
    kasan_direct_ready(memory_top(bi));
    kasan_register_globals();
#endif
    enable_protections();
}

void arch_root_init(pte_t *root)
{
    const pte_t *kernel = phys_to_virt(kernel_root);

    memcpy(root + ROOT_HALF, kernel + ROOT_HALF, ROOT_HALF * sizeof(pte_t));
}

volatile void *fixmap_device(paddr_t pa)
{
    vaddr_t va = FIXMAP_BASE + fixmap_used * PAGE_SIZE;
    pte_t *entry;

    ASSERT(fixmap_used < FIXMAP_SLOTS);
    fixmap_used++;
    entry = entry_at(va, 0);
    pte_store(entry, pte_make_kernel(pa >> PAGE_SHIFT, PTE_PROT_R | PTE_PROT_W) |
                         PTE_PCD | PTE_PWT);
    return (volatile u8 *)va + pa % PAGE_SIZE;
}

const void *fixmap_window(paddr_t pa, size_t nbytes)
{
    paddr_t limit = 1ull << cpu_features.phys_bits;
    u64 offset = pa % PAGE_SIZE, npages;

    if (nbytes == 0 || nbytes > WINDOW_PAGES * PAGE_SIZE || pa >= limit ||
        nbytes > limit - pa)
        return NULL;
    npages = (offset + nbytes + PAGE_SIZE - 1) / PAGE_SIZE;
    if (npages > WINDOW_PAGES)
        return NULL;
    for (u64 i = 0; i < npages; i++) {
        vaddr_t va = WINDOW_BASE + i * PAGE_SIZE;

        pte_store(entry_at(va, 0), pte_make_kernel((pa >> PAGE_SHIFT) + i, PTE_PROT_R));
        arch_flush_page(va);
    }
    return (const u8 *)WINDOW_BASE + offset;
}
