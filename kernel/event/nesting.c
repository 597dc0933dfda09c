/* SPDX-License-Identifier: MIT
 *
 * epolls that watch epolls: no circles, and no more than EPOLL_NESTS_MAX steps from the
 * outermost to the innermost.
 */
#include "kernel/event/nesting.h"
#include "kernel/event/epoll.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"

#define TOO_DEEP (EPOLL_NESTS_MAX + 1)

static u64 looks; /* [watches_lock] */

/* Steps down from ep to the innermost; TOO_DEEP also when `outer` is among them. */
static int depth_below(struct epoll *ep, const struct epoll *outer, int steps)
{
    REQUIRES(&watches_lock);
    struct list *pos;
    int depth = 0;

    if (ep == outer || steps > EPOLL_NESTS_MAX)
        return TOO_DEEP;
    if (ep->seen == looks)
        return ep->depth;
    list_for_each (pos, &ep->inner) {
        const struct watch *w = list_entry(pos, struct watch, inner);

        depth = MAX(depth, depth_below(w->file->data, outer, steps + 1) + 1);
        if (depth > EPOLL_NESTS_MAX)
            break;
        pause_anyway();
    }
    ep->seen = looks;
    ep->depth = depth;
    return depth;
}

/* Steps up from ep to the outermost. */
static int depth_above(struct epoll *ep, int steps)
{
    REQUIRES(&watches_lock);
    int depth = 0;

    if (!ep->file || steps > EPOLL_NESTS_MAX)
        return 0;
    if (ep->seen == looks)
        return ep->depth;
    for (const struct watch *w = ep->file->watches; w; w = w->next) {
        depth = MAX(depth, depth_above(w->ep, steps + 1) + 1);
        pause_anyway();
    }
    ep->seen = looks;
    ep->depth = depth;
    return depth;
}

int epoll_check_nesting(struct epoll *ep, struct epoll *inner)
{
    int below, above;

    looks++;
    below = depth_below(inner, ep, 0);
    if (below > EPOLL_NESTS_MAX)
        return -ELOOP;
    looks++;
    above = depth_above(ep, 0);
    return below + 1 + above > EPOLL_NESTS_MAX ? -ELOOP : 0;
}
