/* SPDX-License-Identifier: MIT
 *
 * The watches of epolls: their life.
 */
#include "kernel/event/watch.h"
#include "kernel/event/epoll.h"
#include "kernel/event/nesting.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/epoll.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

SLAB_CACHE(watch_cache, "watch", struct watch);

u64 epoll_max_watches;
struct mutex
    watches_lock; /* which files are watched; nothing is locked below but epoll.lock */

/* ---- the tree ---- */

static bool is_before(const struct watch *w, const struct file *f, int fd)
{
    return w->file < f || (w->file == f && w->fd < fd);
}

/* The first that is not before f and fd. */
static struct watch *first_from(struct epoll *ep, const struct file *f, int fd)
{
    REQUIRES(&ep->lock);
    struct rb_node *node = ep->watches.node;
    struct watch *found = NULL;

    while (node) {
        struct watch *w = rb_entry(node, struct watch, node);

        if (!is_before(w, f, fd))
            found = w;
        node = is_before(w, f, fd) ? node->right : node->left;
    }
    return found;
}

struct watch *watch_after(struct epoll *ep, const struct file *f, int fd)
{
    return first_from(ep, f, fd + 1);
}

const struct file *watch_target(struct epoll *ep, int fd, u32 skip)
{
    const struct file *f = NULL;

    for (int at = -1;; pause_anyway()) {
        SCOPED_LOCK_IRQ(&ep->lock);
        const struct watch *w = watch_after(ep, f, at);

        if (!w)
            return NULL;
        f = w->file;
        at = w->fd;
        if (at == fd && skip-- == 0)
            return f;
    }
}

struct watch *watch_find(struct epoll *ep, const struct file *f, int fd)
{
    SCOPED_LOCK_IRQ(&ep->lock);
    struct watch *w = first_from(ep, f, fd);

    return w && w->file == f && w->fd == fd ? w : NULL;
}

static bool insert(struct epoll *ep, struct watch *new)
{
    SCOPED_LOCK_IRQ(&ep->lock);
    struct rb_node **link = &ep->watches.node, *parent = NULL;

    while (*link) {
        struct watch *w = rb_entry(*link, struct watch, node);

        if (w->file == new->file && w->fd == new->fd)
            return false;
        parent = *link;
        link = is_before(w, new->file, new->fd) ? &parent->right : &parent->left;
    }
    rb_insert(&ep->watches, &new->node, parent, link, NULL);
    new->listed = true;
    return true;
}

/* ---- life ---- */

static int watch_create(struct epoll *ep, struct file *f, int fd, struct watch **out)
{
    struct account *a = account_current();
    bool over = __atomic_add_fetch(&a->watches, 1, __ATOMIC_RELAXED) >
                READ_ONCE(epoll_max_watches);
    struct watch *w = over ? NULL : slab_zalloc(&watch_cache);

    if (!w) {
        __atomic_fetch_sub(&a->watches, 1, __ATOMIC_RELAXED);
        return over ? -ENOSPC : -ENOMEM;
    }
    account_hold(a);
    __atomic_fetch_add(&a->bytes, sizeof(*w), __ATOMIC_RELAXED);
    __atomic_fetch_add(&ep->refs, 1, __ATOMIC_RELAXED);
    w->account = a;
    w->ep = ep;
    w->file = f;
    w->fd = fd;
    list_init(&w->ready);
    list_init(&w->inner);
    *out = w;
    return 0;
}

static void watch_free(struct watch *w)
{
    __atomic_fetch_sub(&w->account->watches, 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&w->account->bytes, sizeof(*w), __ATOMIC_RELAXED);
    account_put(w->account);
    epoll_put(w->ep);
    slab_free(&watch_cache, w);
}

static void link_to_file(struct watch *w)
{
    REQUIRES(&watches_lock);
    struct file *f = w->file;

    w->next = f->watches;
    if (w->next)
        w->next->link = &w->next;
    w->link = &f->watches;
    f->watches = w;
    if (file_is_epoll(f))
        list_add(&w->ep->inner, &w->inner);
}

/* No list of others knows it any more. */
static void unlink(struct watch *w)
{
    REQUIRES(&watches_lock);
    irqflags_t flags = spin_lock_irq(&w->ep->lock);

    if (w->listed)
        rb_erase(&w->ep->watches, &w->node, NULL);
    w->listed = false;
    spin_unlock_irq(&w->ep->lock, flags);
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    list_del(&w->inner);
}

/* After unlink, while the file's wait queues are there; nobody asks the file for w. */
static void end(struct watch *w)
{
    irqflags_t flags;

    poll_leave(&w->table);
    flags = spin_lock_irq(&w->ep->lock);
    list_del(&w->ready);
    spin_unlock_irq(&w->ep->lock, flags);
    watch_free(w);
}

static bool called(struct waitq_entry *e)
{
    struct watch *w = e->thread;
    SCOPED_LOCK_IRQ(&w->ep->lock);

    return epoll_ready(w);
}

/* What is there already counts as news. */
static void look(struct watch *w, struct poll_table *pt)
{
    u32 events = w->file->ops->poll(w->file, pt);
    SCOPED_LOCK_IRQ(&w->ep->lock);

    if (events & w->events)
        (void)epoll_ready(w);
}

int watch_add(struct epoll *ep, struct file *f, int fd, u32 events, u64 data)
{
    struct watch *w;
    int err = watch_create(ep, f, fd, &w);

    if (err)
        return err;
    w->events = events;
    w->data = data;
    w->table = (struct poll_table){.links = w->links,
                                   .max = POLL_QUEUES,
                                   .wake = called,
                                   .watcher = w,
                                   .exclusive = events & EPOLLEXCLUSIVE};
    mutex_lock(&watches_lock);
    if (file_is_epoll(f))
        err = epoll_check_nesting(ep, f->data);
    if (!err && !insert(ep, w))
        err = -EEXIST;
    if (!err)
        link_to_file(w);
    mutex_unlock(&watches_lock);
    if (err)
        watch_free(w);
    else
        look(w, &w->table);
    return err;
}

void watch_change(struct watch *w, u32 events, u64 data)
{
    irqflags_t flags = spin_lock_irq(&w->ep->lock);

    w->events = events;
    w->data = data;
    spin_unlock_irq(&w->ep->lock, flags);
    look(w, NULL);
}

void watch_remove(struct watch *w)
{
    mutex_lock(&watches_lock);
    unlink(w);
    mutex_unlock(&watches_lock);
    end(w);
}

/* Nobody has the file, so nobody asks it; who closes an epoll leaves this watch to us. */
void file_watches_end(struct file *f)
{
    for (;;) {
        struct watch *w;

        mutex_lock(&watches_lock);
        w = f->watches;
        if (w)
            unlink(w);
        mutex_unlock(&watches_lock);
        if (!w)
            return;
        end(w);
        pause_anyway();
    }
}

/* The next one to end, with its file referenced: so that its queues stay until then. Those of
 * files that go at this moment are only taken out of the tree. */
static struct watch *take_any(struct epoll *ep)
{
    SCOPED_LOCK(&watches_lock);
    irqflags_t flags;

    for (;;) {
        struct watch *w;

        flags = spin_lock_irq(&ep->lock);
        w = first_from(ep, NULL, INT32_MIN);
        if (w) {
            rb_erase(&ep->watches, &w->node, NULL);
            w->listed = false;
        }
        spin_unlock_irq(&ep->lock, flags);
        if (!w)
            return NULL;
        if (file_get_live(w->file)) {
            unlink(w);
            return w;
        }
    }
}

void watches_close(struct epoll *ep)
{
    struct watch *w;

    while ((w = take_any(ep)) != NULL) {
        struct file *f = w->file;

        end(w);
        file_put(f);
        pause_anyway();
    }
}
