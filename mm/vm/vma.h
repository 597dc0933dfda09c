/* SPDX-License-Identifier: MIT
 *
 * Virtual memory areas and the ordered tree of an address space: ranges only, no page table
 * is touched here. A VMA shows an object linearly from its `pgoff` ("home"); single pages
 * may be elsewhere ("away"), which is not the VMA's business: see mm/vm/slot.h.
 */
#pragma once

#include "lib/lock.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "mm/phys/page.h"
#include "mm/table/mm_lock.h"
#include "mm/vm/vma_record.h"

struct monitor;
struct vm_file;
struct vm_object;

#define VM_READ        0x0001u /* present rights; equal PROT_* and PTE_PROT_* */
#define VM_WRITE       0x0002u
#define VM_EXEC        0x0004u
#define VM_PROT        0x0007u
#define VM_MAYREAD     0x0010u /* what mprotect may grant: VM_* << 4 */
#define VM_MAYWRITE    0x0020u
#define VM_MAYEXEC     0x0040u
#define VM_SHARED      0x0100u
#define VM_GROWSDOWN   0x0200u
#define VM_LOCKED      0x0400u
#define VM_DONTFORK    0x0800u
#define VM_NORESERVE   0x1000u
#define VM_RANDOM      0x2000u
#define VM_SEQ         0x4000u
#define VM_DONTDUMP    0x8000u
#define VM_LOCKONFAULT 0x10000u /* with VM_LOCKED: pages are locked as they are touched */
#define VM_WIPEONFORK  0x20000u /* a child finds zeros there */
#define VM_SEALED      0x100000u  /* mseal: stays as it is until exec or exit */
#define VM_HUGE        0x400000u  /* shown by 2 MiB pages: see mm/vm/slot.h */
#define VM_ACCOUNT     0x800000u  /* its pages are committed: see mm/vm/commit.h */
#define VM_DROPPABLE   0x1000000u /* MAP_DROPPABLE: contents that may be lost */
#define VM_HUGE_OWNER  0x2000000u /* see mm/vm/huge.h */
#define VM_NOCOPY      0x4000000u /* fork copies no private pages: it was never writable */
#define VM_NOREMAP     0x200000u  /* an attached SysV segment: remap_file_pages refuses */
/* Its monitor is asked (mm/vm/monitor.h): before a page is made, before one that is guarded is
 * written, before a page that its object has is shown. */
#define VM_ASK_MISSING 0x08000000u
#define VM_ASK_WRITE   0x00040000u
#define VM_ASK_MINOR   0x00080000u
#define VM_MONITORED   (VM_ASK_MISSING | VM_ASK_WRITE | VM_ASK_MINOR)
/* Of these, where only faults show pages and give the right to write. */
#define VM_BY_FAULT    (VM_ASK_WRITE | VM_ASK_MINOR)
/* Its protection key (arch/pkey.h), and all that its translations say of rights. */
#define VM_KEY_SHIFT   PTE_PROT_KEY_SHIFT
#define VM_KEY         (15u << VM_KEY_SHIFT)
#define VM_RIGHTS      (VM_PROT | VM_KEY)

/* Its place among those with the same homes: mm/vm/kin.h. */
struct kin {
    uintptr_t first;  /* of those below it, 0: none */
    uintptr_t next;   /* beside it; 0: it is the root */
    uintptr_t *lead;  /* what leads to it */
    struct vma *last; /* of those below it, if any */
};

struct vma {
    vaddr_t start, end; /* [M] whole pages */
    pgoff_t pgoff;      /* [M] home of start; private anonymous: start / PAGE_SIZE */
    union {
        struct {
            u32 flags;  /* [M] VM_*, by vma_set_flags() */
            u32 policy; /* [M] of NUMA: mm/call/policy.h; 0: none of its own */
        };
        u64 flags_policy; /* both */
    };
    pte_t
        rights; /* [M] what its translations say beside a frame: vma_translation(flags) */
    struct mm *mm;            /* [c] */
    struct vm_object *object; /* [c] referenced; NULL: private anonymous memory */
    struct vm_file *file;     /* [c] referenced; NULL: nameless */
    struct monitor *monitor;  /* [M] of VM_MONITORED, referenced; NULL: none */
    struct vma *prev, *next;  /* [M] neighbours by address */
    struct rb_node node;      /* [M] by start, augmented with max_gap */
    u64 gap, max_gap;         /* [M] hole below this VMA; largest of this subtree */
    struct rb_node home_node; /* [O] in object->vmas by pgoff, augmented with home_max */
    pgoff_t home_max; /* [O] largest home end of this subtree; 0: not in the tree */
    struct kin kin;   /* [O] */
};

/* The linear file page of an address. What it shows says mm_offset() (mm/vm/slot.h). */
static inline pgoff_t vma_home(const struct vma *v, vaddr_t va)
{
    return v->pgoff + ((va - v->start) >> PAGE_SHIFT);
}

static inline u64 vma_npages(const struct vma *v)
{
    return (v->end - v->start) >> PAGE_SHIFT;
}

/* Whether it has references. */
static inline bool vma_refers(const struct vma *v)
{
    return v->object || v->file || v->monitor;
}

/* Whether pages of such a VMA must be present at once: locked, and not only on fault. */
static inline bool vm_populates(u32 flags)
{
    return (flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED;
}

/* Whether such memory is committed when it is made: see mm/vm/commit.h. */
static inline bool vm_commits(u32 flags)
{
    return (flags & (VM_WRITE | VM_SHARED | VM_NORESERVE | VM_HUGE)) == VM_WRITE;
}

/* Whether v allows an access of VM_READ, VM_WRITE or VM_EXEC. On x86 whatever is mapped with
 * any right can be read. */
static inline bool vma_allows(const struct vma *v, u32 access)
{
    if (access & VM_WRITE)
        return v->flags & VM_WRITE;
    if (access & VM_EXEC)
        return v->flags & VM_EXEC;
    return v->flags & VM_PROT;
}

/* log2 of the 4 KiB pages of each page that v shows: 0, or HUGE_ORDER. Bounds and home of a
 * VMA are multiples of its pages. */
static inline unsigned vma_order(const struct vma *v)
{
    return v->flags & VM_HUGE ? HUGE_ORDER : 0;
}

/* A translation of memory with these flags without its frame: add the page's address. Without any
 * right of VM_PROT there are none. */
static inline pte_t vma_translation(u32 flags)
{
    if (likely(!(flags & (VM_KEY | VM_HUGE))))
        return pte_make_user(0, flags & VM_PROT);
    return pte_make_user(0, flags & VM_RIGHTS) | (flags & VM_HUGE ? PTE_LARGE : 0);
}

/* The one writer of VM_RIGHTS and VM_HUGE in flags. */
static inline void vma_set_flags(struct vma *v, u32 flags)
{
    v->flags = flags;
    v->rights = vma_translation(flags);
}

/* What translations of v say without a fault. */
static inline pte_t vma_given(const struct vma *v)
{
    return v->flags & VM_ASK_WRITE ? v->rights & ~PTE_WRITE : v->rights;
}

static inline unsigned vma_key(const struct vma *v)
{
    return v->flags >> VM_KEY_SHIFT;
}

static inline u64 vma_page_size(const struct vma *v)
{
    return PAGE_SIZE << vma_order(v);
}

enum vma_kind { VMA_ANON, VMA_PRIVATE, VMA_SHARED };

static inline enum vma_kind vma_kind(const struct vma *v)
{
    if (v->flags & VM_SHARED) /* which has an object */
        return VMA_SHARED;
    return v->object ? VMA_PRIVATE : VMA_ANON;
}

struct vma *vma_search(const struct mm *mm, vaddr_t va); /* vma_find() without the hint */
/* The first VMA that ends above va (contains it or lies behind it); NULL: none. */
static inline struct vma *vma_find(const struct mm *mm, vaddr_t va)
{
    REQUIRES(&mm->lock);
    struct vma *v = READ_ONCE(mm->recent);

    if (v && va - v->start < v->end - v->start)
        return v;
    return vma_search(mm, va);
}
/* The same, remembered as a hint for the next call. M exclusive. */
static inline struct vma *vma_seek(struct mm *mm, vaddr_t va)
{
    return mm->recent = vma_find(mm, va);
}
/* The VMA that contains va, or NULL; remembers it as well. */
struct vma *vma_at(const struct mm *mm, vaddr_t va);

/* Another address space is loaded. */
static inline void vma_forget_read(void)
{
    this_cpu(vma_hint).seq = ~0ul;
}

/* The VMA that contains va, or NULL, between mm_read_begin() and mm_read_end(). */
static inline struct vma *vma_read(const struct mm *mm, vaddr_t va)
{
    REQUIRES(&mm->lock);
    struct vma *v = this_cpu(vma_hint).v;

    if (likely(this_cpu(vma_hint).seq == READ_ONCE(mm->seq)) &&
        likely(va - v->start < v->end - v->start)) {
        LOCK_CHECK(v->mm == mm, "a hint of another address space");
        assume(v);
        return v;
    }
    return vma_read_search(mm, va);
}

/* mm_read_begin() and vma_read() in one; NULL: there is none, or it cannot be read in this way, and
 * nothing has begun. */
static always_inline struct vma *vma_read_begin(struct mm *mm, vaddr_t va)
{
    struct vma *v = this_cpu(vma_hint).v;
    u64 seq;

    if (unlikely(cpu_own.mm != mm))
        return NULL;
    seq = mm_read_announce(mm);
    /* That of a hint is even. */
    if (unlikely(seq != this_cpu(vma_hint).seq) ||
        unlikely(va - v->start >= v->end - v->start))
        return vma_read_begin_slowly(mm, va, seq);
    mm_read_note(mm);
    LOCK_CHECK(v->mm == mm, "a hint of another address space");
    assume(v);
    return v;
}

struct vma *vma_first(const struct mm *mm);
static inline struct vma *vma_next(const struct vma *v)
{
    return v->next;
}

static inline struct vma *vma_prev(const struct vma *v)
{
    return v->prev;
}

#define vma_for_each(v, mm) for (v = vma_first(mm); v; v = vma_next(v))

/* Puts v (all fields set) into its mm and its object's tree. The range must be free. like: it is a
 * copy of that, a VMA of another address space that is held exclusively, too. */
void vma_insert_like(struct mm *mm, struct vma *v, struct vma *like);
static inline void vma_insert(struct mm *mm, struct vma *v)
{
    vma_insert_like(mm, v, NULL);
}
/* The same; a neighbour that can takes the range instead, and v is freed. Returns the VMA that
 * holds it. */
struct vma *vma_add(struct mm *mm, struct vma *v);
/* Takes it out of both. */
void vma_remove(struct mm *mm, struct vma *v);
/* The same of `first` and those that follow it up to `end` (NULL: all), more than one; each still
 * leads to the one behind it. Pauses. */
void vma_remove_run(struct mm *mm, struct vma *first, struct vma *end);
/* Forgets all VMAs of an address space that ends, and which are in no object's tree any more. */
void vma_remove_all(struct mm *mm);

/* Cuts v at va (start < va < end); `upper`, a fresh record, becomes the upper part and takes
 * its own references. Cannot fail. */
void vma_split(struct mm *mm, struct vma *v, vaddr_t va, struct vma *upper);

/* Moves one bound of v in place; the new range must be free, homes stay where they are. */
void vma_set_start(struct vma *v, vaddr_t start);
void vma_set_end(struct vma *v, vaddr_t end);

/* Whether b shows what would come next in a: adjacent, same object and file, linear bases
 * contiguous; and has the same policy. */
static inline bool vma_continues(const struct vma *a, const struct vma *b)
{
    return a->end == b->start && a->object == b->object && a->file == b->file &&
           a->monitor == b->monitor && a->pgoff + vma_npages(a) == b->pgoff &&
           a->policy == b->policy;
}
/* Whether b may become the continuation of a: that, and the flags are the same. The one
 * predicate for merging. */
static inline bool vma_can_merge(const struct vma *a, const struct vma *b)
{
    return a->flags == b->flags && vma_continues(a, b);
}

/* Moves the border between a and b, which continues it, to va inside one of them. */
void vma_move_border(struct vma *a, struct vma *b, vaddr_t va);
/* b, which continues a, becomes part of it and is freed. */
void vma_absorb(struct mm *mm, struct vma *a, struct vma *b);

/* Merges v with equal neighbours where possible; returns the VMA that now holds v's range. */
struct vma *vma_merge(struct mm *mm, struct vma *v);

/* The lowest address a new mapping may end at below v: a growable one keeps its guard gap. */
static inline vaddr_t vma_low_end(const struct vma *v)
{
    if (likely(!(v->flags & VM_GROWSDOWN)))
        return v->start;
    return v->start - MIN(v->start, STACK_GUARD_GAP);
}
