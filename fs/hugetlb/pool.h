/* SPDX-License-Identifier: MIT
 *
 * The pool of pages of 2 MiB, as Linux counts it, and the shares of it that mounts with limits
 * have. docs/reference/hugetlb.md.
 *
 * One spinlock, below objects and tables, guards it all. What holds under it: `reserved` is the
 * number of promises (of objects, of private mappings, of shares with a minimum) whose page has
 * not been taken, and never more than `free` but for the moment in which one is being filled.
 */
#pragma once

#include "lib/spinlock.h"
#include "lib/types.h"

struct page;
struct quota;

extern spinlock_t hugepool_lock;

/* Waits until pages that were freed are back: the kernel's. */
extern void (*hugepool_settle)(void);

struct hugepool {
    u64 total;      /* all there are */
    u64 free;       /* of these not in use */
    u64 reserved;   /* of the free ones promised */
    u64 surplus;    /* of all beyond what was asked for: they go when they are free */
    u64 overcommit; /* how many of these may be: vm.nr_overcommit_hugepages */
};

/* The counts at one moment. */
struct hugepool hugepool_counts(void);

/* Makes the pool as large as may be, up to n pages; pages in use or promised stay, as surplus. */
void hugepool_resize(u64 n);
void hugepool_set_overcommit(u64 n);

/* What a mounted file system may have; NULL in what follows: all. */
struct huge_share {
    u32 refs;
    u64 max, min;        /* pages; max ~0: no limit */
    u64 used;            /* in use or promised */
    struct quota *quota; /* where statfs looks; NULL: nowhere */
};

/* With `min` pages promised to it. -ENOMEM. q is referenced. */
int must_check huge_share_create(u64 max, u64 min, struct quota *q,
                                 struct huge_share **out);
void huge_share_get(struct huge_share *s);
void huge_share_put(struct huge_share *s);

/* Promises n pages, growing the pool where it may. -ENOMEM: of the pool, or of the share. */
int must_check hugepool_promise(struct huge_share *s, u64 n);

/* ---- hugepool_lock held ---- */

/* n promises end, unused; negative: so many begin, whatever there is. */
void hugepool_unpromise(struct huge_share *s, s64 n);
/* A block is there where a promise was, or one that takes no promise: -ENOSPC, the share. */
void hugepool_keep(void);
int hugepool_charge(struct huge_share *s);
/* A page that is going back to the pool is promised again, or counts no more. */
void hugepool_renew(void);
void hugepool_uncharge(struct huge_share *s);
/* Whether the share has a page of its minimum left. */
bool huge_share_has(const struct huge_share *s);

/* ---- no lock held ---- */

/* A block, type KERNEL; promised: there is a promise for it. NULL. Any context. */
struct page *hugepool_take(bool promised);
/* Gives it back; share: it counts there. */
void hugepool_give(struct page *pg, struct huge_share *share);
