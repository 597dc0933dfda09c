/* SPDX-License-Identifier: MIT
 *
 * Slabs: a block of pages cut into equal objects. A free object holds the index of the next
 * free one, so the list costs nothing; the first page's descriptor holds the head. Full
 * slabs are on no list, empty slabs go back to the buddy allocator at once.
 *
 * Each CPU has a stack of free objects of each cache, which it fills and empties by halves: so most
 * of what it frees it gets again, without a lock. To the slab these objects are in use.
 */
#include "mm/phys/slab.h"
#include "lib/kasan.h"
#include "lib/lock.h"
#include "lib/percpu.h"
#include "lib/stale.h"
#include "lib/string.h"
#include "mm/phys/buddy.h"
#include "mm/phys/stat.h"

#define SLAB_NONE 0xffffu
#define SLAB_TAIL 1u /* page flag: not the first page of a slab; in_use is the distance */

bool stale_off;

static spinlock_t caches_lock;
static struct slab_cache *caches;
static u16 ncaches;

static DEFINE_PER_CPU(s64, large_pages); /* of large kmallocs */

#define CACHES_MAX 64u /* that CPUs keep objects of */
#define KEEP_MAX   12u
#define KEEP_BYTES 6144u /* two processes */

u32 slab_keep_most = KEEP_MAX;

struct kept {
    u64 n;
    void *of[KEEP_MAX];
};
static DEFINE_PER_CPU(struct kept,
                      kept[CACHES_MAX]); /* [0]: of caches of which none is kept */

#define KMALLOC_CACHE(n)                 \
    {                                    \
        .name = "kmalloc-" #n, .size = n \
    }
#define KMALLOC_MAX 2048u
static struct slab_cache kmalloc_caches[] = {
    KMALLOC_CACHE(16),   KMALLOC_CACHE(32),   KMALLOC_CACHE(64),  KMALLOC_CACHE(96),
    KMALLOC_CACHE(128),  KMALLOC_CACHE(192),  KMALLOC_CACHE(256), KMALLOC_CACHE(512),
    KMALLOC_CACHE(1024), KMALLOC_CACHE(2048),
};

/* From one object of a slab to the next. */
static inline u32 stride(const struct slab_cache *c)
{
    return c->size + KASAN_RESERVE;
}

static void cache_register(struct slab_cache *c)
{
    u16 order = 0;
    size_t least = c->size > 512 ? 2 : 4;

    /* At least four small or two large objects in a slab. */
    while ((PAGE_SIZE << order) / stride(c) < least)
        order++;
    spin_lock(&caches_lock);
    if (!c->per_slab) {
        list_init(&c->partial);
        c->order = order;
        c->keep = (u16)MIN(slab_keep_most, KEEP_BYTES / stride(c));
        if (c->keep < 2 || ncaches + 1 == CACHES_MAX)
            c->keep = 0;
        else
            c->number = ++ncaches;
        c->next = caches;
        caches = c;
        c->per_slab = (u16)((PAGE_SIZE << order) / stride(c));
    }
    spin_unlock(&caches_lock);
}

static u16 *free_link(const struct slab_cache *c, const struct page *slab, u16 index)
{
    return (u16 *)((char *)page_to_virt(slab) + (size_t)index * stride(c));
}

/* A new slab with all objects free. */
static struct page *slab_grow(struct slab_cache *c)
{
    REQUIRES(&c->lock);
    struct page *slab = page_alloc(c->order, 0);

    if (!slab)
        return NULL;
    for (u32 i = 0; i < 1u << c->order; i++) {
        slab[i].type = PAGE_SLAB;
        slab[i].flags = i ? SLAB_TAIL : 0;
        slab[i].cache = c;
        slab[i].in_use = (u16)i;
    }
    for (u16 i = 1; i < c->per_slab; i++)
        *free_link(c, slab, i - 1) = i;
    *free_link(c, slab, c->per_slab - 1) = SLAB_NONE;
    kasan_poison(page_to_virt(slab), PAGE_SIZE << c->order, KASAN_OBJECT_FREE);
    slab->first_free = 0;
    list_add(&c->partial, &slab->slab_link);
    WRITE_ONCE(c->slabs, c->slabs + 1);
    return slab;
}

/* A free object of a slab; NULL: no memory. */
static always_inline void *take(struct slab_cache *c)
{
    REQUIRES(&c->lock);
    struct page *slab;
    u16 index;

    if (list_empty(&c->partial)) {
        slab = slab_grow(c);
    } else {
        slab = list_entry(c->partial.next, struct page, slab_link);
        if (alloc_should_fail())
            slab = NULL;
    }
    if (unlikely(!slab))
        return NULL;
    index = slab->first_free;
    slab->first_free = *free_link(c, slab, index);
    slab->in_use++;
    if (slab->first_free == SLAB_NONE)
        list_del(&slab->slab_link);
    WRITE_ONCE(c->objects, c->objects + 1);
    return free_link(c, slab, index);
}

static always_inline struct kept *kept_of(const struct slab_cache *c)
{
    struct kept *k = &(*this_cpu_ptr(kept))[c->number];

    __asm__("" : "+r"(k)); /* to be kept, not computed for each use */
    return k;
}

static always_inline void keep(struct kept *k, void *obj)
{
    k->of[k->n] = obj;
    WRITE_ONCE(k->n, k->n + 1);
}

/* The CPU keeps none: it takes half of what it may keep. Only the first asks for memory: with little
 * left one object is enough. */
static noinline void *take_some(struct slab_cache *c)
{
    struct kept *k;
    void *obj;

    if (!c->per_slab)
        cache_register(c);
    k = kept_of(c);
    spin_lock(&c->lock);
    obj = take(c);
    while (obj && k->n < c->keep / 2 && !list_empty(&c->partial)) {
        void *more = take(c);

        if (!more)
            break;
        keep(k, more);
    }
    spin_unlock(&c->lock);
    return obj;
}

void *slab_alloc(struct slab_cache *c)
{
    struct kept *k = kept_of(c);
    void *obj;

    if (likely(k->n)) {
        if (alloc_should_fail())
            return NULL;
        obj = k->of[k->n - 1];
        WRITE_ONCE(k->n, k->n - 1);
    } else {
        obj = take_some(c);
        if (unlikely(!obj))
            return NULL;
    }
    kasan_unpoison(obj, c->size);
    kasan_poison((char *)obj + c->size, KASAN_RESERVE, KASAN_REDZONE);
    stale_fill(obj, c->size, STALE_FRESH);
    return obj;
}

void *slab_zalloc(struct slab_cache *c)
{
    void *obj = slab_alloc(c);

    if (obj)
        memset(obj, 0, c->size);
    return obj;
}

static void slab_release(struct slab_cache *c, struct page *slab)
{
    list_del(&slab->slab_link);
    WRITE_ONCE(c->slabs, c->slabs - 1);
    for (u32 i = 1; i < 1u << c->order; i++)
        slab[i].type = PAGE_RESERVED;
    slab->type = PAGE_KERNEL;
    page_free(slab, c->order);
}

/* The slab of an object, and which of its objects it is. */
static always_inline struct page *slab_of(const struct slab_cache *c, void *obj,
                                          u16 *index)
{
    struct page *slab = virt_to_page(obj);
    u64 offset;

    ASSERT(slab->type == PAGE_SLAB && slab->cache == c);
    if (slab->flags & SLAB_TAIL)
        slab -= slab->in_use;
    offset = (u64)((char *)obj - (char *)page_to_virt(slab));
    *index = (u16)(offset / stride(c));
    ASSERT((u64)*index * stride(c) == offset && slab->in_use > 0);
    return slab;
}

static always_inline void give(struct slab_cache *c, void *obj)
{
    REQUIRES(&c->lock);
    u16 index;
    struct page *slab = slab_of(c, obj, &index);

    *free_link(c, slab, index) = slab->first_free;
    if (slab->first_free == SLAB_NONE)
        list_add(&c->partial, &slab->slab_link);
    slab->first_free = index;
    slab->in_use--;
    WRITE_ONCE(c->objects, c->objects - 1);
    if (slab->in_use == 0)
        slab_release(c, slab);
}

/* Gives objects that this CPU keeps back to their slabs until `n` are left. */
static void give_kept(struct slab_cache *c, struct kept *k, u64 n)
{
    spin_lock(&c->lock);
    while (k->n > n) {
        void *obj = k->of[k->n - 1];

        WRITE_ONCE(k->n, k->n - 1);
        give(c, obj);
    }
    spin_unlock(&c->lock);
}

/* The CPU has all that it may keep: half goes, for obj and others. Of some caches it keeps none. */
static noinline void make_room(struct slab_cache *c, struct kept *k, void *obj)
{
    if (c->keep) {
        give_kept(c, k, c->keep / 2);
        keep(k, obj);
        return;
    }
    spin_lock(&c->lock);
    give(c, obj);
    spin_unlock(&c->lock);
}

void slab_free(struct slab_cache *c, void *obj)
{
    struct kept *k = kept_of(c);
#if defined(TESSERA_HOST) || defined(TESSERA_DEBUG)
    u16 index;

    (void)slab_of(c, obj, &index);
#endif
    stale_fill(obj, c->size, STALE_FREED);
    kasan_poison(obj, c->size, KASAN_OBJECT_FREE);
    if (unlikely(k->n == c->keep))
        make_room(c, k, obj);
    else
        keep(k, obj);
}

void slab_drain(void)
{
    for (struct slab_cache *c = READ_ONCE(caches); c; c = c->next) {
        struct kept *k = kept_of(c);

        if (c->keep && k->n)
            give_kept(c, k, 0);
    }
}

u64 slab_objects(const struct slab_cache *c)
{
    u64 n = READ_ONCE(c->objects), free = 0;

    for (u32 cpu = 0; c->keep && cpu < cpu_count; cpu++)
        free += READ_ONCE(per_cpu(kept, cpu)[c->number].n);
    return n > free ? n - free : 0;
}

/* Nobody asked for what lies behind `size` bytes. */
static void *kmalloc_trim(void *p, size_t size, size_t room)
{
    if (p) {
        kasan_poison(p, room, KASAN_REDZONE);
        kasan_unpoison(p, size);
    }
    return p;
}

void *kmalloc(size_t size)
{
    struct page *pg;
    unsigned order = 0;

    if (size == 0)
        return NULL;
    for (size_t i = size > 256 ? 7 : 0; size <= KMALLOC_MAX; i++)
        if (size <= kmalloc_caches[i].size)
            return kmalloc_trim(slab_alloc(&kmalloc_caches[i]), size,
                                kmalloc_caches[i].size);
    while (order < BUDDY_ORDERS && PAGE_SIZE << order < size)
        order++;
    if (order == BUDDY_ORDERS)
        return NULL;
    pg = page_alloc(order, 0);
    if (!pg)
        return NULL;
    mm_part_add(large_pages, 1ll << order);
    return kmalloc_trim(page_to_virt(pg), size, PAGE_SIZE << order);
}

void *kzalloc(size_t size)
{
    void *p = kmalloc(size);

    if (p)
        memset(p, 0, size);
    return p;
}

void kfree(void *ptr)
{
    struct page *pg;

    if (!ptr)
        return;
    pg = virt_to_page(ptr);
    if (pg->type == PAGE_SLAB) {
        slab_free(pg->cache, ptr);
        return;
    }
    ASSERT(pg->type == PAGE_KERNEL && is_aligned((uintptr_t)ptr, PAGE_SIZE));
    mm_part_add(large_pages, -(1ll << pg->order));
    page_free(pg, pg->order);
}

void slab_for_each(void (*visit)(const struct slab_cache *c, void *arg), void *arg)
{
    for (const struct slab_cache *c = caches; c; c = c->next)
        visit(c, arg);
}

u64 slab_pages(void)
{
    u64 n = mm_part_sum(large_pages);

    for (const struct slab_cache *c = READ_ONCE(caches); c; c = c->next)
        n += READ_ONCE(c->slabs) << c->order;
    return n;
}

u64 slab_spare_pages(void)
{
    u64 n = 0;

    for (const struct slab_cache *c = READ_ONCE(caches); c; c = c->next) {
        u64 need = (slab_objects(c) + c->per_slab - 1) / c->per_slab;
        u64 have = READ_ONCE(c->slabs);

        n += have > need ? (have - need) << c->order : 0;
    }
    return n;
}
