/* SPDX-License-Identifier: MIT
 *
 * The byte ring of pipes.
 */
#include "fs/pipe/ring.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

static char **slot(struct ring *r, u64 at)
{
    return &r->slots[at / PAGE_SIZE % r->nslots];
}

static inline u64 inside(const struct ring *r)
{
    return r->head - r->tail;
}

/* Others may see what a call has done. */
static inline void publish(struct ring *r)
{
    WRITE_ONCE(r->used, (u32)inside(r));
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

ssize_t ring_take(struct ring *r, struct uio *u)
{
    u64 start = r->tail;
    ssize_t done;

    while (u->left && inside(r)) {
        u64 offset = r->tail % PAGE_SIZE;
        size_t part = MIN(MIN(u->left, PAGE_SIZE - offset), inside(r));

        if (uio_copy_to(u, *slot(r, r->tail) + offset, part) < part)
            break;
        r->tail += part;
    }
    done = (ssize_t)(r->tail - start);
    drop_read_pages(r, start);
    publish(r);
    return done ? done : -EFAULT;
}

size_t ring_peek(struct ring *r, u64 skip, const char **bytes)
{
    u64 at = r->tail + skip, offset = at % PAGE_SIZE;

    *bytes = *slot(r, at) + offset;
    return MIN(PAGE_SIZE - offset, r->head - at);
}

void ring_drop(struct ring *r, size_t n)
{
    u64 start = r->tail;

    r->tail += n;
    drop_read_pages(r, start);
    publish(r);
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
static int put_piece(struct ring *r, struct uio *u, size_t n)
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

    while (n && !err && inside(r) < ring_capacity(r)) {
        size_t part = MIN(MIN(n, PAGE_SIZE), ring_capacity(r) - inside(r));

        err = put_piece(r, u, part);
        if (!err) {
            done += (ssize_t)part;
            n -= part;
        }
    }
    publish(r);
    return done ? done : err;
}

int ring_resize(struct ring *r, u32 nslots)
{
    struct ring fresh;
    struct iovec iov;
    struct uio u;

    if (ring_init(&fresh, nslots) != 0)
        return -ENOMEM;
    for (u64 at = r->tail; at < r->head;) {
        u64 offset = at % PAGE_SIZE, part = MIN(PAGE_SIZE - offset, r->head - at);

        uio_init_kernel(&u, &iov, *slot(r, at) + offset, part);
        if (ring_put(&fresh, &u, part) != (ssize_t)part) {
            ring_fini(&fresh);
            return -ENOMEM;
        }
        at += part;
    }
    ring_fini(r);
    r->slots = fresh.slots;
    WRITE_ONCE(r->nslots, nslots);
    r->head = fresh.head;
    r->tail = fresh.tail;
    return 0;
}
