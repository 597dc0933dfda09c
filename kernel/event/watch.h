/* SPDX-License-Identifier: MIT
 *
 * The watches of epolls: their life.
 */
#pragma once

#include "kernel/event/epoll.h"

/* Inside. Adds; -EEXIST, -ENOSPC, -ENOMEM, -ELOOP. Finds; NULL. */
int must_check watch_add(struct epoll *ep, struct file *f, int fd, u32 events, u64 data);

struct watch *watch_find(struct epoll *ep, const struct file *f, int fd);

void watch_change(struct watch *w, u32 events, u64 data);

void watch_remove(struct watch *w);

/* Ends all watches of an epoll that is closed. */
void watches_close(struct epoll *ep);

/* The first watch behind that of f and fd; epoll.lock held. */
struct watch *watch_after(struct epoll *ep, const struct file *f, int fd);

/* The file of the watch of descriptor fd that comes after `skip` others of it, not referenced: only
 * to be compared. NULL: there is none. Pauses. */
const struct file *watch_target(struct epoll *ep, int fd, u32 skip);
