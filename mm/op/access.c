/* SPDX-License-Identifier: MIT
 *
 * Reading and writing memory of any address space by its translations, never by its loaded
 * state: exec fills a stack that is not current, reports read arguments of others, debuggers
 * look into everything.
 */
#include "mm/op/access.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/op/fault.h"
#include "mm/op/mm.h"
#include "mm/vm/slot.h"

/* Whether what `pte` shows may be written on behalf of v: it is writable, or a private page that v
 * alone shows. Anything else belongs to a file or to others, whatever a fault has said before. */
static bool may_write(const struct vma *v, pte_t pte)
{
    return pte_writable(pte) ||
           (vma_kind(v) != VMA_SHARED && page_is_sole(pfn_to_page(pte_any_pfn(pte))));
}

/* The page the entry of va names, with a pin, so that truncate may free it only afterwards. NULL:
 * there is none, or for MM_WRITE none that may be written; *result is FAULT_OOM then, or as it was. */
static struct page *pin_entry(struct mm *mm, const struct vma *v, vaddr_t va,
                              enum mm_way way, enum fault_result *result)
{
    REQUIRES(&mm->lock);
    struct slot s = slot_at(mm, va, vma_order(v));
    struct page *pg = NULL;
    pte_t pte;

    if (!s.table && pt_table(mm, va, slot_level(vma_order(v)))) { /* shared */
        s = slot_make(mm, va, vma_order(v));
        if (!s.table)
            *result = FAULT_OOM;
    }
    if (!s.table)
        return NULL;
    spin_lock(&s.table->lock); /* a page in a table has not been freed */
    pte = pte_load(s.entry);
    if (pte && (way == MM_READ || may_write(v, pte))) {
        pg = pfn_to_page(pte_any_pfn(pte));
        page_get(pg);
    }
    spin_unlock(&s.table->lock);
    return pg;
}

/* The page of memory without any right, which no fault can bring. */
static struct page *pin_hidden(struct mm *mm, struct vma *v, vaddr_t va)
{
    REQUIRES(&mm->lock);
    enum fault_result result;
    struct page *pg = pin_entry(mm, v, va, MM_READ, &result);

    if (pg)
        return pg;
    if (v->object)
        return object_get_page(v->object, mm_offset(mm, v, va), &pg) == 0 ? pg : NULL;
    if (vma_order(v)) /* zeros of that size are nowhere */
        return NULL;
    page_get(zero_page);
    return zero_page;
}

/* The page behind va with a pin; NULL: not accessible, *result says why when a fault was
 * tried. What a fault has brought another thread of mm may have taken away, and have put something
 * else there, before it is pinned: then all is done again. */
static struct page *pin_page(struct mm *mm, struct vma *v, vaddr_t va, enum mm_way way,
                             bool force, enum fault_result *result)
{
    REQUIRES(&mm->lock);
    bool write = way == MM_WRITE;
    bool own = force && write && !(v->flags & VM_WRITE) && (v->flags & VM_PROT) &&
               (v->flags & VM_MAYWRITE) && vma_kind(v) != VMA_SHARED;
    struct page *pg = NULL;

    if (force && !write && !(v->flags & VM_PROT))
        return pin_hidden(mm, v, va);
    if (!force && !write &&
        !(v->flags & VM_READ)) { /* though the processor would read it */
        *result = FAULT_ACCERR;
        return NULL;
    }
    do {
        *result = own ? fault_own(mm, v, va)
                      : fault_locked(mm, v, va, write ? FAULT_WRITE : FAULT_READ);
        if (*result == FAULT_OK)
            pg = pin_entry(mm, v, va, way, result);
        pause_anyway();
    } while (!pg && *result == FAULT_OK);
    return pg;
}

static size_t do_access(struct mm *mm, vaddr_t va, void *buf, size_t n, enum mm_way way,
                        bool force, enum fault_result *result)
{
    size_t done = 0;

    *result = FAULT_MAPERR;
    mm_lock_shared(mm);
    while (done < n && va < USER_END) {
        size_t part = MIN(n - done, PAGE_SIZE - va % PAGE_SIZE);
        struct vma *v = vma_at(mm, va);
        struct page *pg = v ? pin_page(mm, v, va, way, force, result) : NULL;
        char *p;

        if (!pg)
            break;
        p = (char *)page_to_virt(pg) + va % (PAGE_SIZE << pg->order);
        if (way == MM_WRITE)
            memcpy(p, (char *)buf + done, part);
        else
            memcpy((char *)buf + done, p, part);
        page_put(pg);
        done += part;
        va += part;
        pause_anyway();
    }
    mm_unlock_shared(mm);
    return done;
}

size_t mm_access(struct mm *mm, vaddr_t va, void *buf, size_t n, enum mm_way way)
{
    enum fault_result result;

    return do_access(mm, va, buf, n, way, false, &result);
}

size_t mm_access_force(struct mm *mm, vaddr_t va, void *buf, size_t n, enum mm_way way)
{
    enum fault_result result;

    return do_access(mm, va, buf, n, way, true, &result);
}

int mm_store(struct mm *mm, vaddr_t va, const void *buf, size_t n)
{
    enum fault_result result;

    if (do_access(mm, va, (void *)(uintptr_t)buf, n, MM_WRITE, false, &result) == n)
        return 0;
    return result == FAULT_OOM ? -ENOMEM : -EFAULT;
}

int mm_locate(struct mm *mm, vaddr_t va, bool write, struct vm_object **object, u64 *at)
{
    struct vma *v;
    struct page *pg;
    u32 access;
    enum fault_result result;
    int err = -EFAULT;

    mm_lock_shared(mm);
    v = vma_at(mm, va);
    if (!v || (write && !(v->flags & VM_WRITE)) || fault_key_denies(v, write))
        goto out;
    access = v->flags & VM_WRITE ? FAULT_WRITE : FAULT_READ;
    result = fault_locked(mm, v, va, access);
    if (result != FAULT_OK) {
        err = result == FAULT_OOM ? -ENOMEM : -EFAULT;
        goto out;
    }
    *object = NULL;
    *at = va;
    if (vma_kind(v) != VMA_SHARED) {
        pg = access == FAULT_WRITE ? NULL : pin_entry(mm, v, va, MM_READ, &result);
        err = access == FAULT_WRITE || (pg && pg->type == PAGE_OBJECT) ? 0 : -EFAULT;
        if (pg)
            page_put(pg);
        if (err || access == FAULT_WRITE)
            goto out;
    }
    object_get(v->object);
    *object = v->object;
    *at = (mm_offset(mm, v, va) << PAGE_SHIFT) + va % PAGE_SIZE;
    err = 0;
out:
    mm_unlock_shared(mm);
    return err;
}
