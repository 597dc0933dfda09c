/* SPDX-License-Identifier: MIT
 *
 * See mmtest.h.
 */
#include "tests/host/mmtest.h"
#include "lib/string.h"
#include "mm/debug/check.h"
#include "mm/vm/slot.h"

struct mm *t_mm(void)
{
    struct mm *mm = mm_create();

    CHECK(mm);
    return mm;
}

void t_end(struct mm *mm)
{
    host_unload(mm);
    UNDER(&mm->lock, mm_check(mm));
    mm_put(mm);
}

void t_check(struct mm *mm)
{
    UNDER(&mm->lock, mm_check(mm));
    host_tlb_check();
}

struct vm_object *t_file(u32 npages)
{
    struct vm_object *o = object_create((u64)npages * P);

    CHECK(o);
    for (u32 i = 0; i < npages; i++) {
        struct page *pg;

        CHECK_EQ(object_get_page(o, i, &pg), 0);
        *(u32 *)page_to_virt(pg) = i + 1;
        page_put(pg);
    }
    return o;
}

vaddr_t t_map(struct mm *mm, vaddr_t addr, u64 npages, u32 prot, u32 flags,
              struct vm_object *o, pgoff_t pgoff)
{
    struct mmap_args a = {.addr = addr,
                          .len = npages * P,
                          .prot = prot,
                          .flags =
                              flags | (addr ? MAP_FIXED : 0) | (o ? 0 : MAP_ANONYMOUS),
                          .object = o,
                          .offset = pgoff * P,
                          .max_prot = RWX};
    vaddr_t out = 0;

    CHECK_EQ(mm_mmap(mm, &a, &out), 0);
    if (addr)
        CHECK_EQ(out, addr);
    return out;
}

vaddr_t t_anon(struct mm *mm, vaddr_t addr, u64 npages, u32 prot)
{
    return t_map(mm, addr, npages, prot, MAP_PRIVATE, NULL, 0);
}

enum fault_result t_try(struct mm *mm, vaddr_t va, u32 kind)
{
    u8 byte = 0;

    if (kind == FAULT_WRITE) { /* writes what is there */
        struct page *leaf;
        pte_t pte;

        leaf = pt_leaf(mm, va);
        pte = leaf ? pte_load(pt_entries(leaf) + pt_index(va, 0)) : 0;
        if (pte_present(pte))
            byte = *((u8 *)page_to_virt(pfn_to_page(pte_pfn(pte))) + va % P);
    }
    return host_access(mm, va, &byte, 1, kind);
}

pte_t t_pte(struct mm *mm, vaddr_t va)
{
    struct page *leaf = pt_leaf(mm, va);

    return leaf ? pte_load(pt_entries(leaf) + pt_index(va, 0)) : 0;
}

u32 t_vmas(const struct mm *mm)
{
    return mm->nvmas;
}

static u64 mix(u64 h, u64 x)
{
    h = (h ^ x) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

static u64 mix_page(u64 h, const struct page *pg)
{
    const u64 *words = page_to_virt(pg);

    for (unsigned i = 0; i < P / sizeof(u64); i += 64)
        h = mix(h, words[i]);
    return h;
}

/* One private page: what a read would give, without making it so. */
static u64 mix_private(u64 h, struct mm *mm, const struct vma *v, vaddr_t va)
{
    pte_t pte = t_pte(mm, va);
    struct page *pg;

    if (pte && pfn_to_page(pte_any_pfn(pte))->type == PAGE_ANON)
        return mix_page(mix(h, 1), pfn_to_page(pte_any_pfn(pte)));
    if (!v->object)
        return mix(h, 2);
    pg = object_find_page(v->object, vma_home(v, va));
    if (!pg)
        return mix(h, 3);
    h = mix_page(mix(h, 4), pg);
    page_put(pg);
    return h;
}

u64 t_picture(struct mm *mm)
{
    struct vma *v;
    u64 h = mix(mm->nvmas, mm->total_vm);

    h = mix(h, mm->locked_vm);
    h = mix(h, mm->data_vm);
    h = mix(h, mm->brk);
    h = mix(h, mm->def_flags);
    SCOPED_LOCK(&mm->lock);
    vma_for_each (v, mm) {
        h = mix(mix(mix(h, v->start), v->end), v->flags);
        h = mix(mix(h, v->pgoff), (uintptr_t)v->object);
        for (vaddr_t va = v->start; va < v->end; va += P)
            h = vma_kind(v) == VMA_SHARED ? mix(h, mm_offset(mm, v, va))
                                          : mix_private(h, mm, v, va);
    }
    return h;
}

u64 t_picture_file(struct vm_object *o)
{
    u64 h = mix(o->size, o->pages.count);
    u32 number = 0;
    struct page *pg;

    h = mix(mix(h, o->nvmas), o->shared_writable);
    while ((pg = index_next(&o->pages, &number)) != NULL)
        h = mix_page(mix(h, number++), pg);
    return h;
}
