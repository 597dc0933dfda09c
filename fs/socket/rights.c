/* SPDX-License-Identifier: MIT
 *
 * Descriptors in messages (SCM_RIGHTS): counted, limited, and collected when nobody can
 * receive them any more.
 *
 * A unix socket whose file is referenced by messages alone can be reached only by who
 * receives one of them. Where such messages lie in the queues of such sockets, in a circle,
 * nobody ever will: rights_collect() finds those and throws them away.
 */
#include "fs/socket/rights.h"
#include "fs/socket/socket_own.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define OFTEN 256u /* so few sockets in flight are looked through each time */

struct rights {
    struct list link;        /* [flight_lock] in flying_rights; or in a list of drops */
    struct list beside;      /* [flight_lock] in holder->rights */
    struct socket *holder;   /* [flight_lock] in whose queue it is; NULL: not in flight */
    struct packet *packet;   /* [flight_lock] */
    struct account *account; /* [flight_lock] the files count there; referenced */
    u32 n, sockets;          /* files; unix sockets among them, while in flight */
    struct file *files[];
};

/* One thread's giving up of files, which may end sockets, which hold further files. */
struct drop {
    struct list link; /* [drops_lock] */
    void *thread;
    struct list rights; /* of that thread alone */
};

/* Below socket.reading. */
static struct mutex flight_lock = {.queue = LIST_INIT(flight_lock.queue)};
static struct list flying_rights = LIST_INIT(flying_rights); /* those with sockets */
static u32 flying_sockets;                                   /* [flight_lock] in them */
static u32 looks_due; /* atomic: ends of sockets since the last look */

static spinlock_t drops_lock;
static struct list drops = LIST_INIT(drops);

struct rights *rights_create(u32 n)
{
    struct rights *r = kzalloc(sizeof(*r) + n * sizeof(r->files[0]));

    if (r) {
        list_init(&r->link);
        list_init(&r->beside);
    }
    return r;
}

void rights_add(struct rights *r, struct file *f)
{
    r->files[r->n++] = f;
}

u32 rights_count(const struct rights *r)
{
    return r ? r->n : 0;
}

struct file *rights_file(const struct rights *r, u32 i)
{
    return r->files[i];
}

/* ---- giving up ---- */

static struct drop *my_drop(void)
{
    struct list *pos;
    void *self = thread_self();

    SCOPED_LOCK(&drops_lock);
    list_for_each (pos, &drops) {
        struct drop *d = list_entry(pos, struct drop, link);

        if (d->thread == self)
            return d;
    }
    return NULL;
}

/* A chain of sockets in each other's queues ends link after link, not one within the other. */
void rights_put(struct rights *r)
{
    struct drop *outer, d;
    struct list *first;

    if (!r)
        return;
    outer = my_drop();
    if (outer) {
        list_add_tail(&outer->rights, &r->link);
        return;
    }
    d.thread = thread_self();
    list_init(&d.rights);
    list_add(&d.rights, &r->link);
    spin_lock(&drops_lock);
    list_add(&drops, &d.link);
    spin_unlock(&drops_lock);
    while ((first = list_first(&d.rights))) {
        list_del(first);
        r = list_entry(first, struct rights, link);
        for (u32 i = 0; i < r->n; i++) {
            file_put(r->files[i]);
            pause_anyway();
        }
        kfree(r);
    }
    spin_lock(&drops_lock);
    list_del(&d.link);
    spin_unlock(&drops_lock);
}

/* ---- in flight ---- */

static struct socket *local_socket(const struct file *f)
{
    struct socket *s = file_socket(f);

    return s && is_unix(s) ? s : NULL;
}

static void count(struct rights *r, bool up)
{
    REQUIRES(&flight_lock);
    for (u32 i = 0; i < r->n; i++) {
        struct socket *s = local_socket(r->files[i]);

        if (!s)
            continue;
        s->flying += up ? 1 : -1u;
        r->sockets += up ? 1 : -1u;
        flying_sockets += up ? 1 : -1u;
    }
}

static void land(struct rights *r)
{
    REQUIRES(&flight_lock);
    count(r, false);
    list_del(&r->link);
    list_del(&r->beside);
    r->holder = NULL;
    WRITE_ONCE(r->packet->rights, NULL);
    __atomic_fetch_sub(&r->account->flying, r->n, __ATOMIC_RELAXED);
    account_put(r->account);
}

int rights_fly(struct packet *p, struct rights *r, struct socket *to, u64 max)
{
    struct account *a = account_current();

    if (!r)
        return 0;
    rights_collect(COLLECT_IF_DUE);
    if (READ_ONCE(a->flying) > max) {
        rights_collect(COLLECT_NOW);
        if (READ_ONCE(a->flying) > max)
            return -ETOOMANYREFS;
    }
    account_hold(a);
    __atomic_fetch_add(&a->flying, r->n, __ATOMIC_RELAXED);
    SCOPED_LOCK(&flight_lock);
    r->account = a;
    r->holder = to;
    r->packet = p;
    count(r, true);
    if (r->sockets) {
        list_add_tail(&flying_rights, &r->link);
        list_add_tail(&to->rights, &r->beside);
    }
    WRITE_ONCE(p->rights, r);
    return 0;
}

struct rights *rights_land(struct packet *p)
{
    struct rights *r;

    if (!READ_ONCE(p->rights))
        return NULL;
    SCOPED_LOCK(&flight_lock);
    r = p->rights;
    if (r)
        land(r);
    return r;
}

struct rights *rights_peek(struct packet *p, int *err)
{
    struct rights *copy = rights_create(SCM_MAX_FD);

    if (!copy) {
        *err = -ENOMEM;
        return NULL;
    }
    SCOPED_LOCK(&flight_lock);
    for (u32 i = 0; p->rights && i < p->rights->n; i++) {
        file_get(p->rights->files[i]);
        rights_add(copy, p->rights->files[i]);
    }
    return copy;
}

/* ---- collecting ---- */

enum mark { MARK_NONE, MARK_DOUBTFUL, MARK_ALIVE };

/* Whose reader would get what lies in the queue of s: one not accepted yet is its listener's. */
static struct socket *owner(struct socket *s)
{
    return READ_ONCE(s->file) || !s->listener ? s : s->listener;
}

static bool is_doubtful(const struct socket *s)
{
    return s->flying && s->mark == MARK_DOUBTFUL;
}

#define for_each_socket(r, s)           \
    for (u32 i_ = 0; i_ < (r)->n; i_++) \
        if (((s) = local_socket((r)->files[i_])) != NULL)

/* Marks those that only messages refer to, and counts for each how many of these lie with
 * sockets that are not doubtful themselves. */
static void mark_doubtful(void)
{
    REQUIRES(&flight_lock);
    struct list *pos;
    struct socket *s;

    list_for_each (pos, &flying_rights) {
        for_each_socket(list_entry(pos, struct rights, link), s)
        {
            s->mark = s->file->vm.refs == s->flying ? MARK_DOUBTFUL : MARK_ALIVE;
            s->outside = s->flying;
        }
        pause_anyway();
    }
    list_for_each (pos, &flying_rights) {
        struct rights *r = list_entry(pos, struct rights, link);

        if (!is_doubtful(owner(r->holder)))
            continue;
        for_each_socket(r, s) s->outside--;
        pause_anyway();
    }
    list_for_each (pos, &flying_rights) {
        for_each_socket(list_entry(pos, struct rights, link), s)
        {
            if (s->outside)
                s->mark = MARK_ALIVE;
        }
        pause_anyway();
    }
}

/* What lies with a living one lives; what lies with that has not been looked at yet. */
static void revive(struct rights *r, struct list *living)
{
    struct socket *s;

    for_each_socket(r, s)
    {
        if (s->mark == MARK_DOUBTFUL) {
            s->mark = MARK_ALIVE;
            list_add_tail(living, &s->revived);
        }
    }
}

static void revive_queue(const struct socket *s, struct list *living)
{
    struct list *pos;

    list_for_each (pos, &s->rights)
        revive(list_entry(pos, struct rights, beside), living);
}

/* Connections that wait for accept, which nobody can call meanwhile: s is in messages alone. */
static void revive_waiting(struct socket *s, const struct list *waiting,
                           struct list *living)
{
    REQUIRES(&s->lock);
    struct list *pos;

    list_for_each (pos, waiting)
        revive_queue(list_entry(pos, struct socket, link), living);
}

/* Each queue is looked at once, whatever the order in which they were filled. */
static void spread_life(void)
{
    REQUIRES(&flight_lock);
    struct list living = LIST_INIT(living), *pos;

    list_for_each (pos, &flying_rights) {
        struct rights *r = list_entry(pos, struct rights, link);

        if (!is_doubtful(owner(r->holder)))
            revive(r, &living);
        pause_anyway();
    }
    while ((pos = list_first(&living))) {
        struct socket *s = list_entry(pos, struct socket, revived);

        list_del(pos);
        revive_queue(s, &living);
        spin_lock(&s->lock);
        revive_waiting(s, &s->ready, &living);
        revive_waiting(s, &s->late, &living);
        spin_unlock(&s->lock);
        pause_anyway();
    }
}

static void take_dead(struct list *dead)
{
    REQUIRES(&flight_lock);
    struct list *pos, *next;

    list_for_each_safe (pos, next, &flying_rights) {
        struct rights *r = list_entry(pos, struct rights, link);

        pause_anyway();
        if (!is_doubtful(owner(r->holder)))
            continue;
        land(r);
        list_add_tail(dead, &r->link);
    }
}

void rights_collect(enum collect when)
{
    struct list dead = LIST_INIT(dead), *first;
    u32 due = __atomic_add_fetch(&looks_due, 1, __ATOMIC_RELAXED);

    if (!READ_ONCE(flying_sockets) ||
        (when == COLLECT_IF_DUE && (u64)due * OFTEN < READ_ONCE(flying_sockets)))
        return;
    mutex_lock(&flight_lock);
    __atomic_store_n(&looks_due, 0, __ATOMIC_RELAXED);
    mark_doubtful();
    spread_life();
    take_dead(&dead);
    mutex_unlock(&flight_lock);
    while ((first = list_first(&dead))) {
        list_del(first);
        rights_put(list_entry(first, struct rights, link));
    }
}
