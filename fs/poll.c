/* SPDX-License-Identifier: MIT
 *
 * The record of a polling thread: which wait queues it has joined.
 */
#include "fs/poll.h"

void poll_add(struct poll_table *pt, struct waitq *q)
{
    struct poll_link *l;

    if (!pt || pt->count == pt->max)
        return;
    l = &pt->links[pt->count++];
    l->q = q;
    if (!pt->wake) {
        waitq_add(q, &l->entry);
        return;
    }
    l->entry = (struct waitq_entry){
        .wake = pt->wake, .thread = pt->watcher, .exclusive = pt->exclusive};
    waitq_watch(q, &l->entry);
}

void poll_leave(struct poll_table *pt)
{
    while (pt->count) {
        struct poll_link *l = &pt->links[--pt->count];

        waitq_remove(l->q, &l->entry);
    }
}
