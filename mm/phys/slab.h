/* SPDX-License-Identifier: MIT
 *
 * Kernel objects smaller than a page, in slabs of one page or a few; larger requests go to
 * the buddy allocator. An empty slab is returned at once, but each CPU keeps a few free objects of
 * its own, until slab_drain(): then free-page counts are exact.
 */
#pragma once

#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"

struct slab_cache {
    const char *name;
    u32 size;  /* bytes of an object, a multiple of 8 */
    u16 order; /* pages of a slab: 2^order */
    u16 per_slab;
    u16 number; /* among the caches of which CPUs keep objects, from 1 on; 0: none of those */
    u16 keep; /* free objects that a CPU may keep */
    spinlock_t lock;
    struct list partial; /* slabs with free and used objects */
    u64 objects;         /* in use, or kept by CPUs: slab_objects() */
    u64 slabs;
    struct slab_cache *next; /* all caches */
};

/* How many free objects a CPU may keep of a cache that is first used from now on, at most what it
 * is at boot. 0: free pages are exact at any time, which tests want. */
extern u32 slab_keep_most;

/* size <= 2 * PAGE_SIZE. Static caches: SLAB_CACHE(name, type). Registered at first use. */
#define SLAB_CACHE(var, label, type) \
    static struct slab_cache var = {.name = label, .size = (sizeof(type) + 7) & ~7u}

/* The same of objects that begin on a cache line and have their lines alone: for what a CPU writes
 * all the time, each its own. Two such records on one line would make their CPUs, and processes that
 * have nothing to do with each other, wait for it. */
#define SLAB_LINE 64u
#define SLAB_CACHE_LINES(var, label, type) \
    static struct slab_cache var = {       \
        .name = label, .size = (sizeof(type) + SLAB_LINE - 1) & ~(SLAB_LINE - 1)}

void *
slab_alloc(struct slab_cache *c); /* uninitialised, 8-byte aligned; NULL: no memory */
void *slab_zalloc(struct slab_cache *c); /* zeroed */
void slab_free(struct slab_cache *c, void *obj);

/* Any size (0: NULL). kfree(NULL) does nothing. */
void *kmalloc(size_t size);
void *kzalloc(size_t size);
void kfree(void *ptr);

/* Objects in use. */
u64 slab_objects(const struct slab_cache *c);

/* The running CPU gives back the free objects it keeps. Not for interrupt handlers. */
void slab_drain(void);

/* Visits all caches, for /proc/slabinfo and checks. */
void slab_for_each(void (*visit)(const struct slab_cache *c, void *arg), void *arg);

/* Pages held by slabs and by large kmallocs. */
u64 slab_pages(void);

/* Those of them that objects in use would not need if each cache's stood side by side: how many
 * there are depends on which CPU had which object when. */
u64 slab_spare_pages(void);
