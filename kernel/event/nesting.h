/* SPDX-License-Identifier: MIT
 *
 * epolls that watch epolls: no circles, and no more than EPOLL_NESTS_MAX steps from the
 * outermost to the innermost.
 */
#pragma once

#include "kernel/event/epoll.h"

/* Whether `inner` may be watched by ep: 0 or -ELOOP. watches_lock held. */
int must_check epoll_check_nesting(struct epoll *ep, struct epoll *inner);
