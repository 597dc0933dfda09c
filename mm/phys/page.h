/* SPDX-License-Identifier: MIT
 *
 * Physical pages: one 40-byte descriptor per frame, in an array indexed by frame number.
 * What the words mean depends on the type, i.e. on who owns the frame; every frame has
 * exactly one type at any time.
 *
 *   PAGE_FREE     in the buddy allocator          PAGE_OBJECT  a page of a vm_object
 *   PAGE_RESERVED firmware, image, memmap, hole   PAGE_ANON    private memory of programs
 *   PAGE_TABLE    a page table                    PAGE_SLAB    small kernel objects
 *   PAGE_KERNEL   other kernel memory             PAGE_CACHED  freed: in a CPU's list, a chain or a group
 */
#pragma once

#include "arch/mmu.h"
#include "lib/assert.h"
#include "lib/grace.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"

/* The blocks behind huge pages. */
#define HUGE_ORDER 9u
#define HUGE_SIZE  (PAGE_SIZE << HUGE_ORDER)
#define HUGE_PAGES (1ul << HUGE_ORDER)

struct mm;
struct slab_cache;
struct vm_object;

enum page_type {
    PAGE_RESERVED,
    PAGE_FREE,
    PAGE_CACHED,
    PAGE_KERNEL,
    PAGE_SLAB,
    PAGE_TABLE,
    PAGE_ANON,
    PAGE_OBJECT,
    PAGE_TYPES
};

/* Hints from a page to the PTEs that show it away from home; see mm/vm/backlink.h. Up to four
 * physical PTE addresses, divided by 8, 40 bits each; or, with PG_LOG, a log and its place in the
 * object's list of them. */
#define BACKLINKS_INLINE 4
struct backlinks {
    u32 low[BACKLINKS_INLINE]; /* PG_LOG: the log, see mm/vm/backlink.c */
    u8 high[BACKLINKS_INLINE];
};

struct page {
    u8 type; /* enum page_type */
    union {
        u8 order; /* log2 of the block's pages, in its first page */
        u8 level; /* TABLE, a page: 0 for a leaf table */
    };
    union {
        u16 flags; /* OBJECT: PG_* [N]; SLAB: see mm/phys/slab.c */
        u16 holders; /* TABLE: [T] address spaces that share it, see mm/vm/lend.h; 0: it is of one */
    };
    union {
        u32 refs;  /* ANON: PTEs + pins; OBJECT: 1 for the object + pins. Atomic */
        u32 stamp; /* TABLE: [T] who changed it last, see mm/table/change.h */
        u16 users
            [2]; /* SLAB: of what begins in each half of it, see mm/vm/away.c; atomic */
    };
    union {
        struct list link; /* FREE and CACHED */
        struct grace_item
            grace; /* a former table or page of an object, until CPUs passed */
        struct {   /* SLAB */
            struct list slab_link;
            struct slab_cache *cache;
            u16 first_free; /* index of the first free object, SLAB_NONE: full */
            u16 in_use;
        };
        struct {             /* TABLE */
            struct mm *mm;   /* NULL: kernel table, or shared */
            u32 *away;       /* [T] 512 file pages + 1, 0: home; NULL: all at home */
            u32 base;        /* first address >> 21 (leaf), for backlinks */
            u16 present;     /* [T] entries in use */
            u16 naway;       /* [T] away entries in use */
            spinlock_t lock; /* T */
            u16 zeros : 10;  /* [T] entries that show the page of zeros */
            u16 near : 5;    /* [T] where the only entry may be, see pt_find_used() */
            u16 frozen : 1; /* [M] `away` may be another table's as well, and is not written */
            u16 pins;       /* [M] reservations: keep table and array */
        };
        struct {                      /* OBJECT */
            struct vm_object *object; /* [O] NULL once it left */
            u32 index; /* [O] file page; of some on their way out the next one's frame */
            struct backlinks links; /* [N] */
        };
        struct { /* CACHED, the first of a group in a chain: struct page_chain */
            u64 run_pages;
            u32 run_before;
        };
        void *payer; /* ANON of HUGE_ORDER: see mm/vm/huge.h */
        u64 pad[4];
    };
};

#define PG_FRESH 2u /* made by the fallocate call under way */
#define PG_LOG   4u /* links holds a log */

/* Free pages are kept by so many neighbours, the first at a multiple of it (mm/phys/blocks.h). */
#define PAGE_GROUP 64u

#ifndef memmap /* host builds place the array elsewhere */
#define memmap ((struct page *)MEMMAP_BASE)
#endif

static inline struct page *pfn_to_page(pfn_t pfn)
{
    return memmap + pfn;
}

/* Frames are fewer than 2^32 and a descriptor has 5 * 8 bytes, so the division that leaves
 * nothing is a product with the inverse of 5 modulo 2^32. */
STATIC_ASSERT(sizeof(struct page) == 5 * 8 && 0xcccccccdu * 5 == 1);
STATIC_ASSERT(PHYS_LIMIT >> PAGE_SHIFT <= 1ull << 32);
static inline pfn_t page_to_pfn(const struct page *pg)
{
    return ((u32)((uintptr_t)pg >> 3) - (u32)((uintptr_t)memmap >> 3)) * 0xcccccccdu;
}

static inline paddr_t page_to_phys(const struct page *pg)
{
    return page_to_pfn(pg) << PAGE_SHIFT;
}

static inline void *page_to_virt(const struct page *pg)
{
    return phys_to_virt(page_to_phys(pg));
}

static inline struct page *phys_to_page(paddr_t pa)
{
    return pfn_to_page(pa >> PAGE_SHIFT);
}

static inline struct page *virt_to_page(const void *va)
{
    return phys_to_page(virt_to_phys(va));
}

/* One more reference; saturation is a bug of ours and stops the machine. */
static inline void page_get(struct page *pg)
{
    u32 old = __atomic_fetch_add(&pg->refs, 1, __ATOMIC_RELAXED);

    ASSERT(old > 0 && old < 0x7fffffff);
}

/* Whether pg is private memory that one entry shows, and nobody has pinned. Only who holds that
 * entry's table may rely on it. */
static inline bool page_is_sole(const struct page *pg)
{
    return pg->type == PAGE_ANON && __atomic_load_n(&pg->refs, __ATOMIC_ACQUIRE) == 1;
}

/* Frees a page, ANON or former OBJECT, whose last reference the caller has. */
void page_free_last(struct page *pg);

/* Gives a reference back; the last one frees an ANON or OBJECT page. */
static inline void page_put(struct page *pg)
{
    u32 left = __atomic_sub_fetch(&pg->refs, 1, __ATOMIC_ACQ_REL);

    ASSERT(left < 0x7fffffff);
    if (!left)
        page_free_last(pg);
}

/* Pages that will be free together, for page_free_chain() (mm/phys/page_stack.h): as bits of their
 * groups. The group that grows is here, those before it stand each in its first page. All 0: empty. */
struct page_chain {
    u64 pages; /* a bit for each page of the group; 0: there are none at all */
    u32 group; /* its number */
    u32 before; /* frame of the page that has the group before; 0: none. Frame 0 is never free */
    u32 others; /* the first of the pages that free themselves, by frame and `index`; 0: none */
};

/* Another group begins; what grew until now stands in its first page. */
static inline void page_chain_turn(struct page_chain *c, u32 group)
{
    if (c->pages) {
        u32 pfn = c->group * PAGE_GROUP + (u32)__builtin_ctzll(c->pages);
        struct page *first = pfn_to_page(pfn);

        first->run_pages = c->pages;
        first->run_before = c->before;
        c->before = pfn;
    }
    c->group = group;
    c->pages = 0;
}

/* The last group, whose pages are taken from the chain; 0: there is none. */
static inline u64 page_chain_take(struct page_chain *c, u64 *group)
{
    u64 pages = c->pages;
    struct page *first = pfn_to_page(c->before);

    *group = c->group;
    if (!pages)
        return 0;
    c->group = c->before / PAGE_GROUP;
    c->pages = c->before ? first->run_pages : 0;
    c->before = c->before ? first->run_before : 0;
    return pages;
}

static inline void page_chain_add(struct page *pg, u32 pfn, struct page_chain *c)
{
    WRITE_ONCE(*(u64 *)pg, PAGE_CACHED); /* no flags, no references */
    if (unlikely(pfn / PAGE_GROUP != c->group))
        page_chain_turn(c, pfn / PAGE_GROUP);
    c->pages |= 1ull << pfn % PAGE_GROUP;
}

/* Gives the caller's reference to pg, frame pfn, up to a chain if it is the last one, without a
 * locked operation: who could add another finds the page by a slot or the index, where it is no
 * more. False: others have it, it is not of this type (a constant), a block, or must wait for
 * readers: ask page_chain_other(). */
static always_inline bool page_chain(struct page *pg, u32 pfn, enum page_type type,
                                     struct page_chain *c)
{
    STATIC_ASSERT(offsetof(struct page, order) == 1 &&
                  offsetof(struct page, flags) == 2 && offsetof(struct page, refs) == 4);
    u64 kind = __atomic_load_n((u64 *)pg, __ATOMIC_ACQUIRE);

    if (type == PAGE_OBJECT)
        kind &= ~0xffff0000ull; /* any flags */
    if (unlikely(kind != (1ull << 32 | type)) || (type == PAGE_OBJECT && cpu_count > 1))
        return false;
    page_chain_add(pg, pfn, c);
    return true;
}

/* The same of any ANON or OBJECT page. False: others have it, the reference is the caller's still. */
bool page_chain_other(struct page *pg, u32 pfn, struct page_chain *c);

/* Frees a former table, empty and of type KERNEL, once nobody can be about to lock it. */
void page_free_table(struct page *pg);

/* Takes blocks of HUGE_ORDER that page_put() would free; NULL: the page allocator does. */
extern void (*page_give_huge)(struct page *pg, void *payer);

/* A block of HUGE_ORDER: page_alloc_user() in mm/phys/buddy.h. */
struct page *page_alloc_block(u32 flags);
/* Blocks of HUGE_ORDER it could hand out now. */
u64 page_count_huge(void);

/* The page all reads of untouched private memory see. Never freed, not counted. */
extern struct page *zero_page;
