/* SPDX-License-Identifier: MIT
 *
 * Where pages of 2 MiB come from. A kernel that keeps a pool of them with reservations gives
 * these functions (Tessera's are in fs/hugetlb/); without them blocks are taken from the page
 * allocator as they are touched.
 *
 * What is promised: each page of a mapping made without MAP_NORESERVE can be had when it is
 * touched. A shared mapping's promise belongs to the pages of its object; a private one's to the
 * slots of a VMA with VM_HUGE_OWNER that hold no private page. fork leaves it to the parent.
 */
#pragma once

#include "mm/phys/page.h"
#include "mm/vm/object.h"
#include "mm/vm/vma.h"

struct huge_ops {
    /* Before an object of 2 MiB pages is used, and after its last page has gone. */
    int (*attach)(struct vm_object *o);
    void (*detach)(struct vm_object *o);
    /* A block, not zeroed, type KERNEL: for page pgoff of o, or (o NULL) for a slot of v, which
     * draws on its own promise when it `claims`. NULL: there is none. */
    struct page *(*take)(struct vm_object *o, pgoff_t pgoff, const struct vma *v,
                         bool claims);
    /* Nobody uses the block any more. payer: what its pg->payer said. Any context. */
    void (*give)(struct page *pg, void *payer);
    /* A page of o appears at pgoff (-ENOSPC: it may not), or has left. O held. */
    int (*filled)(struct vm_object *o, pgoff_t pgoff);
    void (*gone)(struct vm_object *o, pgoff_t pgoff);
    /* Promises all pages of v, a new VMA. -ENOMEM: nothing is promised. M of v held. */
    int (*reserve)(struct vma *v);
    /* Takes back what was promised for pages [first, last) of o; `there`: only the right of
     * pages in memory to be promised again when they leave. O held. */
    void (*unreserve)(struct vm_object *o, pgoff_t first, pgoff_t last, bool there);
    /* A block taken for a claim is in its slot of v. */
    void (*owned)(const struct vma *v, struct page *pg);
    /* A private page of v goes back to where it came from: its promise holds again. */
    void (*regain)(const struct vma *v, struct page *pg);
    /* n promises of v end (negative: begin, to end soon). */
    void (*release)(const struct vma *v, s64 n);
};

/* NULL: none. Set once, before there are pages of 2 MiB. */
extern const struct huge_ops *huge_ops;

/* As page_alloc_user() with HUGE_ORDER. */
struct page *huge_alloc(struct vm_object *o, pgoff_t pgoff, const struct vma *v,
                        bool claims, u32 flags);

/* The same, zeroed or, with `src`, a copy of that block. */
struct page *huge_alloc_copy(struct vm_object *o, pgoff_t pgoff, const struct vma *v,
                             bool claims, const struct page *src);

void huge_disown_all(struct vma *v);
/* v is about to be unmapped: its promises end. M exclusive. */
static inline void huge_disown(struct vma *v)
{
    if (unlikely(v->flags & VM_HUGE_OWNER))
        huge_disown_all(v);
}

/* Locks against two faults that need two blocks for one promise: of a slot of an address space,
 * and inside it, of a page of an object. Above O and T. */
enum huge_kind { HUGE_SLOT, HUGE_PAGE };
spinlock_t *huge_lock_of(enum huge_kind kind, const void *of, u64 number);
