/* SPDX-License-Identifier: MIT
 *
 * Packets: bytes on their way from one socket to another. A packet stands on the account of
 * who sent it and counts in the sending socket's room until it is read or thrown away.
 */
#include "fs/socket/packet.h"
#include "fs/socket/dgram.h"
#include "fs/socket/friend.h"
#include "fs/socket/rights.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "fs/socket/unix.h"
#include "fs/socket/urgent.h"
#include "fs/wallclock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define SMALL 3584u /* bytes that lie in the packet itself; others in pages */

static u32 pages_for(size_t len)
{
    return len > SMALL ? (u32)((len + PAGE_SIZE - 1) / PAGE_SIZE) : 0;
}

static void packet_destroy(struct packet *p)
{
    for (u32 i = 0; i < p->npages; i++)
        kfree(p->pages[i]);
    kfree(p);
}

static struct packet *packet_alloc(size_t len)
{
    u32 npages = pages_for(len);
    struct packet *p =
        kmalloc(sizeof(*p) + (npages ? npages * sizeof(p->pages[0]) : len));

    if (!p)
        return NULL;
    memset(p, 0, sizeof(*p));
    list_init(&p->link);
    p->len = (u32)len;
    p->cost = (u32)(sizeof(*p) + len);
    for (; p->npages < npages; p->npages++) {
        p->pages[p->npages] = kmalloc(PAGE_SIZE);
        if (!p->pages[p->npages]) {
            packet_destroy(p);
            return NULL;
        }
    }
    return p;
}

struct packet *packet_create(struct socket *sender, size_t len)
{
    struct packet *p = packet_alloc(len);

    if (!p)
        return NULL;
    p->account = account_current();
    account_hold(p->account);
    __atomic_fetch_add(&p->account->bytes, p->cost, __ATOMIC_RELAXED);
    p->sender = sender;
    socket_get(sender);
    __atomic_fetch_add(&sender->sent, p->cost, __ATOMIC_RELAXED);
    return p;
}

void packet_free(struct packet *p)
{
    struct socket *s = p->sender;
    u32 before = __atomic_fetch_sub(&s->sent, p->cost, __ATOMIC_ACQ_REL);
    u32 room = READ_ONCE(s->sndbuf) / 4;

    rights_put(rights_land(p));
    if (before > room && before - p->cost <= room)
        socket_wake(s);
    socket_put(s);
    __atomic_fetch_sub(&p->account->bytes, p->cost, __ATOMIC_RELAXED);
    account_put(p->account);
    if (p->from)
        unix_name_put(p->from);
    packet_destroy(p);
}

/* Where byte `at` lies, and how many follow it in one piece. */
static u8 *piece(const struct packet *p, size_t at, size_t *n)
{
    if (!p->npages)
        return (u8 *)p->bytes + at;
    *n = MIN(*n, PAGE_SIZE - at % PAGE_SIZE);
    return p->pages[at / PAGE_SIZE] + at % PAGE_SIZE;
}

int packet_fill(struct packet *p, const struct packet *first, struct uio *u)
{
    for (size_t at = 0, n; at < p->len; at += n) {
        bool known = first && at < first->len;
        const u8 *from = NULL;

        n = (known ? first->len : p->len) - at;
        if (known)
            from = piece(first, at, &n);
        u8 *to = piece(p, at, &n);

        if (known)
            memcpy(to, from, n);
        else if (uio_copy_from(u, to, n) != n)
            return -EFAULT;
    }
    return 0;
}

u8 packet_byte(const struct packet *p, u32 at)
{
    size_t n = 1;

    return *piece(p, at, &n);
}

void packet_put(struct packet *p, const void *bytes, size_t n)
{
    ASSERT(n == p->len && n <= SMALL);
    memcpy(p->bytes, bytes, n);
}

size_t packet_copy(const struct packet *p, struct uio *u, size_t skip, size_t want)
{
    size_t done = 0;

    while (done < want) {
        size_t n = want - done, copied;
        const u8 *from = piece(p, p->start + skip + done, &n);

        copied = uio_copy_to(u, from, n);
        done += copied;
        if (copied != n)
            break;
    }
    return done;
}

/* Who sent it is told where one of the two wants to know, or the sender says it himself. */
void packet_set_cred(struct packet *p, const struct socket *s, const struct socket *to,
                     const struct message *m)
{
    if (!is_unix(s))
        return;
    p->has_cred =
        m->has_cred || option_on(s, OPT_PASSCRED) || option_on(to, OPT_PASSCRED);
    if (m->has_cred)
        p->cred = m->cred;
    else if (p->has_cred)
        socket_cred_current(&p->cred, IDS_REAL);
}

/* ---- times ---- */

static bool stamping; /* a single word; set once */

void packet_stamp_all(void)
{
    WRITE_ONCE(stamping, true);
}

void packet_tell_time(struct socket *s, const struct packet *p, struct message *m)
{
    m->stamp = READ_ONCE(s->values[VALUE_STAMP]);
    if (unlikely(m->stamp))
        m->when = p->when ? p->when : wall_ns();
    else
        WRITE_ONCE(s->heard, MAX(p->when, 1ull));
}

int packet_last_time(struct socket *s, u64 *when)
{
    *when = READ_ONCE(s->heard);
    if (*when == 1)
        WRITE_ONCE(s->heard, *when = wall_ns());
    packet_stamp_all();
    return *when ? 0 : -ENOENT;
}

int packet_queue(struct socket *s, struct packet *p)
{
    spin_lock(&s->lock);
    if (s->dead || (is_unix(s) && s->closed & CLOSED_READ)) {
        spin_unlock(&s->lock);
        return -EPIPE;
    }
    if (unlikely(READ_ONCE(stamping)))
        p->when = wall_ns();
    list_add_tail(&s->queue, &p->link);
    WRITE_ONCE(s->npackets, s->npackets + 1);
    WRITE_ONCE(s->queued, s->queued + p->len);
    s->held += p->cost;
    if (p->urgent)
        urgent_mark(s, p);
    spin_unlock(&s->lock);
    socket_wake(s);
    return 0;
}

struct packet *packet_after(struct socket *s, struct packet *p)
{
    struct list *next;

    SCOPED_LOCK(&s->lock);
    next = p ? p->link.next : s->queue.next;
    return next == &s->queue ? NULL : list_entry(next, struct packet, link);
}

void packet_used(struct socket *s, struct packet *p, size_t n)
{
    SCOPED_LOCK(&s->lock);
    p->start += (u32)n;
    n -= urgent_count_lost(s, n);
    s->taken += n;
    WRITE_ONCE(s->queued, s->queued - n);
    urgent_passed(s);
}

void packet_take(struct socket *s, struct packet *p)
{
    bool has_room;
    u32 rest = p->len - p->start;

    spin_lock(&s->lock);
    has_room = dgram_is_full_for(s);
    list_del(&p->link);
    if (unlikely(p->urgent))
        urgent_unmark(s, p);
    WRITE_ONCE(s->npackets, s->npackets - 1);
    WRITE_ONCE(s->queued, s->queued - (rest - urgent_count_lost(s, rest)));
    s->held -= p->cost;
    has_room &= !dgram_is_full_for(s);
    spin_unlock(&s->lock);
    if (!has_room)
        return;
    socket_wake(s); /* senders that wait here */
    friends_have_room(s);
}

s64 packet_peek_from(const struct socket *s)
{
    return (s64)READ_ONCE(s->values[VALUE_PEEK]) - 1;
}

void packet_peek_moved(struct socket *s, bool peek, size_t n)
{
    s64 from = packet_peek_from(s);

    if (from >= 0)
        WRITE_ONCE(s->values[VALUE_PEEK],
                   (s32)MIN(peek ? from + (s64)n + 1 : MAX(from - (s64)n, 0) + 1,
                            (s64)INT32_MAX));
}

void packet_purge(struct socket *s)
{
    struct packet *p;

    while ((p = packet_after(s, NULL))) {
        packet_take(s, p);
        packet_free(p);
        pause_anyway();
    }
}
