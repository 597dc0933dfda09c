/* SPDX-License-Identifier: MIT
 *
 * vm_object: pages by file page number, and who maps them. The data of a ramfs file, of a
 * memfd, or of shared anonymous memory. Holes read as zeros and cost nothing.
 *
 * A page belongs to its object and leaves only through truncate or punch, after all its
 * translations are gone; so neither faults nor mappings count references on file pages.
 */
#pragma once

#include "lib/index.h"
#include "lib/rbtree.h"
#include "lib/spinlock.h"
#include "mm/phys/page.h"

/* File pages are 31-bit numbers + home marker: files end below 8 TiB. */
#define OBJECT_MAX_PAGES 0x7fffffffull
#define OBJECT_MAX_SIZE  (OBJECT_MAX_PAGES << PAGE_SHIFT)

/* A file page as indexes and away arrays number it: the one way from 64 bits to 32. Homes may
 * lie beyond (a mapping behind the end of its file); who converts one asked before. */
static inline u32 object_number(pgoff_t pgoff)
{
    ASSERT(pgoff <= OBJECT_MAX_PAGES);
    return (u32)pgoff;
}

struct quota;
struct mm;
struct vma;

/* What fork, mmap and a page that comes or goes change is one cache line; what they read follows. */
struct vm_object {
    u64 size; /* [O] bytes; read without a lock, as the index is, by faults and remaps */
    struct index pages;  /* [O]; the entries of a leaf [N] */
    spinlock_t lock;     /* O */
    u32 refs;            /* atomic: inode, VMAs */
    struct rb_root vmas; /* [O] VMAs by home range, see mm/vm/object_tree.h */
    u32 nvmas;           /* [O] */
    u32 shared_writable; /* [O] VMAs that are shared and may become writable */
    u32 nprivate;        /* [O] VMAs that are not shared */
    u16 walks; /* [O] walks over `vmas` that have paused: see mm/vm/object_walk.h */
    bool
        counted; /* set [O]: a census is kept; cleared by who adds or drops a translation */
    bool sealed; /* once set, set: a write seal; MADV_REMOVE is refused */

    u64 wrote; /* atomic: about cpu_cycles() of the last write fault through a shared mapping, 0: none
                  * since the file system took note of it (fs/inode.c) */
    u64 id;              /* inode number shown for nameless objects */
    struct quota *quota; /* [c] referenced: where its pages are counted */
    u64 committed;       /* [c] pages committed with it; 0: each when it appears */
    void *huge;          /* [c] of huge_ops: see mm/vm/huge.h */
    u32 count_round;     /* [O] how often what was counted has become worthless */
    u32 order;           /* [c] log2 of the 4 KiB pages of each page: 0, or HUGE_ORDER */
    bool log_grew;       /* since the last look */
    struct walk_waiter *walk_waiters; /* [O] */
    spinlock_t log_lock;              /* the next three and log_grew, below N */
    u32 logs;     /* frame of the first page with a backlink log, 0: none; one word */
    u32 log_hand; /* the page whose log is looked through for stale hints, */
    u64 log_at;   /* and how far that is */
    uintptr_t dead_logs;  /* [O] of pages that left, see backlink_free_part() */
    struct index census;  /* [O] counts of 64 pages each, see mm/vm/census.h */
    struct list censuses; /* census_lock: of objects that keep one */
    u64 nodes_settled;    /* [O] of `pages`, which stand in `records` */
    u64 records; /* [O] bytes of both indexes and the census, on the bill of `quota` */
};
STATIC_ASSERT(offsetof(struct vm_object, sealed) < 64);

/* Everything a mapping keeps alive beside the object: an open file. fs/file.h embeds it. */
struct vm_file {
    u32 refs;                           /* atomic */
    void (*release)(struct vm_file *f); /* the last reference is gone */
};

static inline void vm_file_get(struct vm_file *f)
{
    u32 old = __atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);

    ASSERT(old > 0 && old < 0x7fffffff);
}

static inline void vm_file_put(struct vm_file *f)
{
    if (__atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) == 0)
        f->release(f);
}

/* One reference; NULL: no memory, or more than OBJECT_MAX_SIZE. Its pages count as nameless memory of the running user. */
struct vm_object *object_create(u64 size);
/* What its indexes take, which have changed, onto the bill: false: more than may be had. O held. */
bool must_check object_settle_records(struct vm_object *o);
static inline bool must_check object_settle_nodes(struct vm_object *o)
{
    return likely(o->pages.nodes == o->nodes_settled) || object_settle_records(o);
}
/* Before it has pages: they count there. */
void object_set_quota(struct vm_object *o, struct quota *q);
/* Commits npages for an object without pages, all at once (mm/vm/commit.h), unless `noreserve`
 * and no strict accounting: then, and without this, each page is when it appears. -ENOMEM. */
int must_check object_commit(struct vm_object *o, u64 npages, bool noreserve,
                             const struct mm *mm);
/* The same of 2 MiB pages; all its sizes are multiples of that. Its pages stand in the index
 * under the number of their first 4 KiB, and a caller that asks for one in between gets that one. */
struct vm_object *object_create_huge(u64 size);
void object_get(struct vm_object *o);
/* For one that was only found: false when it is being taken apart. */
bool object_tryget(struct vm_object *o);
void object_put(struct vm_object *o); /* the last one frees the pages */

/* Whether some page has a log of backlinks: a further one may cost thousands of instructions, so
 * only so many pages are shown away in one go. */
#define LOGGED_RUN 32u
static inline bool object_has_logs(const struct vm_object *o)
{
    return READ_ONCE(o->logs) != 0;
}

/* Pages needed for `size` bytes. */
static inline u64 object_npages(const struct vm_object *o)
{
    return (READ_ONCE(o->size) + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* The number under which the page with file page pgoff stands. */
static inline pgoff_t object_first(const struct vm_object *o, pgoff_t pgoff)
{
    return pgoff & ~0ul << o->order;
}

/* The page of an index number with a pin (page_put gives it back), or NULL: it is a hole. Any context. */
static always_inline struct page *object_pin(const struct vm_object *o, u32 number)
{
    struct index_node *leaf = index_leaf(&o->pages, number);
    struct page *pg;

    if (unlikely(!leaf) || unlikely(!READ_ONCE(leaf->slot[number % INDEX_SLOTS])))
        return NULL;
    spin_lock(&leaf->lock);
    pg = leaf->slot[number % INDEX_SLOTS];
    if (likely(pg))
        page_get(pg);
    spin_unlock(&leaf->lock);
    return pg;
}

/* The page at pgoff, below the end, with a pin, or NULL for a hole. Any context. The first in line. */
static always_inline struct page *object_look_up(struct vm_object *o, pgoff_t pgoff)
{
    return pgoff < object_npages(o) ? object_pin(o, (u32)object_first(o, pgoff)) : NULL;
}
struct page *object_find_page(struct vm_object *o, pgoff_t pgoff);

/* As object_find_page, but fills a hole with a zeroed page. -ENXIO at or beyond the end of
 * the object, -ENOMEM. */
int must_check object_get_page(struct vm_object *o, pgoff_t pgoff, struct page **out);

/* Fills the hole that the caller has seen at pgoff, if it is still one; the page may be gone again
 * when this returns. -ENXIO, -ENOMEM, -ENOSPC. */
int must_check object_fill_hole(struct vm_object *o, pgoff_t pgoff);

/* `fresh`, from page_alloc_user() and complete, becomes the page at pgoff. -EEXIST: there is one;
 * -ENXIO; -ENOMEM, -ENOSPC. Small pages only. */
int must_check object_insert_page(struct vm_object *o, pgoff_t pgoff, struct page *fresh);
/* The same in an object of 2 MiB pages, with a copy of the block `src`. */
int must_check object_insert_block(struct vm_object *o, pgoff_t pgoff,
                                   const struct page *src);

/* write(2): the page for writing at pgoff even beyond the present end (below
 * OBJECT_MAX_PAGES); it does not change the size. -EFBIG, -ENOMEM. */
int must_check object_get_page_extend(struct vm_object *o, pgoff_t pgoff,
                                      struct page **out);

/* Raises the size after data was written; never lowers it: who writes keeps others from that. */
void object_grow(struct vm_object *o, u64 size);
static inline void object_extend(struct vm_object *o, u64 size)
{
    if (unlikely(size > READ_ONCE(o->size)))
        object_grow(o, size);
}

/* Resident 4 KiB pages: st_blocks, Cached. */
static inline u64 object_resident(const struct vm_object *o)
{
    return (u64)READ_ONCE(o->pages.count) << o->order;
}

/* ftruncate: shrinks or grows. Every translation of a page at or beyond the new end is gone,
 * the page freed, and the tail of a partial last page zeroed. -EFBIG; -EINVAL: not a multiple
 * of the size of a page of 2 MiB. Sleeps not. */
int object_truncate(struct vm_object *o, u64 size);

/* fallocate PUNCH_HOLE: bytes [start, end) read as zeros afterwards; whole pages are freed. */
void object_punch(struct vm_object *o, u64 start, u64 end);

/* fallocate 0 / KEEP_SIZE: makes pages for bytes [start, end). -ENOMEM/-ENOSPC: what was
 * allocated for this call is taken back. */
int object_allocate(struct vm_object *o, u64 start, u64 end);

/* lseek SEEK_DATA (hole false) or SEEK_HOLE from byte `pos`: the position, or -ENXIO. */
s64 object_seek(struct vm_object *o, s64 pos, bool hole);

/* To be called after translations of o's pages were added or dropped: how often they are shown
 * has to be counted anew. */
static inline void object_changed(struct vm_object *o)
{
    if (unlikely(READ_ONCE(o->counted)))
        WRITE_ONCE(o->counted, false);
}

/* Notes a write through a shared mapping, to within this many cycles: CPUs that write different
 * pages do not write this word each time. */
#define OBJECT_WROTE_GRAIN 200000u
static inline void object_written(struct vm_object *o)
{
    u64 now = cpu_cycles();

    if (unlikely(now - READ_ONCE(o->wrote) > OBJECT_WROTE_GRAIN))
        WRITE_ONCE(o->wrote, now);
}

/* The moment of the last write through shared mappings, by cpu_cycles(), and forgets it;
 * 0: none since the last time. As on Linux's tmpfs a write counts when a fault makes its page
 * writable. */
static inline u64 object_take_wrote(struct vm_object *o)
{
    return __atomic_exchange_n(&o->wrote, 0, __ATOMIC_RELAXED);
}

/* Pages of all objects (Cached/Shmem in /proc/meminfo). */
u64 object_pages_total(void);
u64 object_count(void);

/* ---- inside mm ---- */

/* The page has left the index and has no translation: drops its hints and its name. The
 * object's reference is now the caller's, who counts it off with object_uncount(). */
void object_forget_page(struct page *pg);
/* n pages of o have been forgotten: they are on no bill any more. */
void object_uncount(struct vm_object *o, u64 n);
