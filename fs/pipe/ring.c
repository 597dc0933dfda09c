/* SPDX-License-Identifier: MIT
 *
 * The byte ring of pipes.
 */
#include "fs/pipe/ring.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define PACKET 0x8000u /* in `ends`, beside the length */

static char **slot(struct ring *r, u64 at)
{
    return &r->slots[at / PAGE_SIZE % r->nslots];
}

static inline u64 inside(const struct ring *r)
{
    return r->head - r->tail;
}

static u16 *end(struct ring *r, u64 at)
{
    return &r->ends[at / PAGE_SIZE % r->nslots];
}

/* Where the bytes of the page at `at` end. */
static inline u64 page_end(struct ring *r, u64 at)
{
    return r->ends && *end(r, at) ? *end(r, at) & ~PACKET : PAGE_SIZE;
}

/* A page that is half read is not written to again when pages have ends. */
static inline u64 room(const struct ring *r)
{
    u64 tail = align_down(r->tail, PAGE_SIZE);

    if (likely(!r->ends))
        return ring_capacity(r) - inside(r);
    return tail + ring_capacity(r) - MIN(r->head, tail + ring_capacity(r));
}

/* Others may see what a call has done. */
static inline void publish(struct ring *r)
{
    u64 used = inside(r);

    if (unlikely(r->ends) && used)
        used = ring_capacity(r) - align_down(room(r), PAGE_SIZE);
    WRITE_ONCE(r->used, (u32)used);
}

int ring_init(struct ring *r, u32 nslots)
{
    *r = (struct ring){.slots = kzalloc(nslots * sizeof(*r->slots)), .nslots = nslots};
    return r->slots ? 0 : -ENOMEM;
}

void ring_fini(struct ring *r)
{
    for (u32 i = 0; i < r->nslots; i++)
        kfree(r->slots[i]);
    kfree(r->slots);
    kfree(r->ends);
}

/* Frees the pages that tail has left since `from`, unless head came around into them; all but the
 * last one when nothing is inside any more: what comes next has a page. */
static inline void drop_read_pages(struct ring *r, u64 from)
{
    u64 last = r->head == r->tail && r->tail ? align_down(r->tail - 1, PAGE_SIZE) : ~0ul;
    char *kept;

    for (u64 page = align_down(from, PAGE_SIZE); page + PAGE_SIZE <= r->tail;
         page += PAGE_SIZE) {
        char **s = slot(r, page);

        if (page == last || r->head > page + ring_capacity(r))
            continue;
        kfree(*s);
        *s = NULL;
    }
    if (last != ~0ul) {
        kept = *slot(r, last);
        *slot(r, last) = NULL;
        r->slots[0] = kept;
        r->head = r->tail = 0;
    }
}

/* What has been read ended there: goes on with the next page if this one's bytes, or its packet,
 * are over. Whether it was a packet. */
static noinline bool leave_page(struct ring *r, bool whole)
{
    u16 *e = end(r, r->tail - 1);
    bool packet = *e & PACKET;

    if (*e && ((packet && whole) || (r->tail - 1) % PAGE_SIZE + 1 == (*e & ~PACKET))) {
        r->tail = align_up(r->tail, PAGE_SIZE);
        *e = 0;
    }
    return packet;
}

ssize_t ring_take(struct ring *r, struct uio *u)
{
    u64 start = r->tail;
    ssize_t done = 0;

    while (u->left && inside(r)) {
        u64 offset = r->tail % PAGE_SIZE;
        size_t part = MIN(MIN(u->left, page_end(r, r->tail) - offset), inside(r));

        if (uio_copy_to(u, *slot(r, r->tail) + offset, part) < part)
            break;
        r->tail += part;
        done += (ssize_t)part;
        if (r->ends && leave_page(r, true))
            break;
    }
    drop_read_pages(r, start);
    publish(r);
    return done ? done : -EFAULT;
}

/* Bytes that lie together at place *at, which moves on if its page's are over. */
static size_t peek(struct ring *r, u64 *at, const char **bytes)
{
    u64 offset = *at % PAGE_SIZE;

    if (*at < r->head && offset == page_end(r, *at)) {
        *at += PAGE_SIZE - offset;
        offset = 0;
    }
    if (*at >= r->head)
        return 0;
    *bytes = *slot(r, *at) + offset;
    return MIN(page_end(r, *at) - offset, r->head - *at);
}

size_t ring_peek(struct ring *r, const char **bytes)
{
    u64 at = r->tail;

    return peek(r, &at, bytes);
}

void ring_drop(struct ring *r, size_t n)
{
    u64 start = r->tail;

    r->tail += n;
    if (r->ends)
        leave_page(r, false);
    drop_read_pages(r, start);
    publish(r);
}

u64 ring_bytes(struct ring *r)
{
    const char *bytes;
    u64 sum = 0;
    size_t n;

    for (u64 at = r->tail; r->ends && (n = peek(r, &at, &bytes)); at += n)
        sum += n;
    return r->ends ? sum : inside(r);
}

/* Frees the pages from `from` on that hold nothing. */
static void drop_unused_pages(struct ring *r, u64 from)
{
    for (u64 page = align_up(r->head, PAGE_SIZE); page < from + 2 * PAGE_SIZE;
         page += PAGE_SIZE) {
        if (page - align_down(r->tail, PAGE_SIZE) >= ring_capacity(r))
            break;
        kfree(*slot(r, page));
        *slot(r, page) = NULL;
    }
}

/* One piece of n bytes that fits, whole or not at all. */
static always_inline int put_piece(struct ring *r, struct uio *u, size_t n)
{
    u64 start = r->head;

    while (n) {
        u64 offset = r->head % PAGE_SIZE;
        size_t part = MIN(n, PAGE_SIZE - offset);
        char **s = slot(r, r->head);
        int err = 0;

        if (!*s && !(*s = kmalloc(PAGE_SIZE)))
            err = -ENOMEM;
        else if (uio_copy_from(u, *s + offset, part) < part)
            err = -EFAULT;
        if (err) {
            r->head = start;
            drop_unused_pages(r, start);
            return err;
        }
        r->head += part;
        n -= part;
    }
    return 0;
}

ssize_t ring_put(struct ring *r, struct uio *u, size_t n)
{
    ssize_t done = 0;
    int err = 0;
    u64 left;

    while (n && !err && (left = room(r)) != 0) {
        size_t part = MIN(MIN(n, PAGE_SIZE), left);

        err = put_piece(r, u, part);
        if (!err) {
            done += (ssize_t)part;
            n -= part;
        }
    }
    publish(r);
    return done ? done : err;
}

ssize_t ring_put_packet(struct ring *r, struct uio *u, size_t n)
{
    u64 before = r->head, start = align_up(before, PAGE_SIZE);
    int err;

    if (!r->ends && !(r->ends = kzalloc(r->nslots * sizeof(*r->ends))))
        return -ENOMEM;
    publish(r);
    if (room(r) < start - before + PAGE_SIZE)
        return 0;
    r->head = start;
    err = put_piece(r, u, n);
    if (err) {
        r->head = before;
        return err;
    }
    if (before != start)
        *end(r, before) = before % PAGE_SIZE;
    *end(r, start) = (u16)(n | PACKET);
    r->head = start + PAGE_SIZE;
    publish(r);
    return (ssize_t)n;
}

ssize_t ring_pass(struct ring *from, u64 *at, struct ring *to, size_t n)
{
    u64 place = from->tail + *at;
    const char *bytes;
    struct iovec iov;
    struct uio u;
    ssize_t done;

    n = MIN(n, peek(from, &place, &bytes));
    if (!n)
        return 0;
    uio_init_kernel(&u, &iov, (char *)(uintptr_t)bytes, n);
    if (from->ends && *end(from, place) & PACKET)
        done = ring_put_packet(to, &u, n);
    else
        done = ring_put(to, &u, n);
    if (done > 0)
        *at = place + (u64)done - from->tail;
    return done;
}

int ring_resize(struct ring *r, u32 nslots)
{
    struct ring fresh;
    u64 at = 0;

    if (ring_init(&fresh, nslots) != 0)
        return -ENOMEM;
    while (ring_pass(r, &at, &fresh, SIZE_MAX) > 0)
        ;
    if (ring_bytes(&fresh) != ring_bytes(r)) {
        ring_fini(&fresh);
        return -ENOMEM;
    }
    ring_fini(r);
    r->slots = fresh.slots;
    r->ends = fresh.ends;
    WRITE_ONCE(r->nslots, nslots);
    r->head = fresh.head;
    r->tail = fresh.tail;
    publish(r);
    return 0;
}
