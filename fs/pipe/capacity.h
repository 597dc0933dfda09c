/* SPDX-License-Identifier: MIT
 *
 * What pipes hold: their capacity, for fcntl, and the limits of users.
 */
#pragma once

#include "fs/file.h"
#include "mm/phys/account.h"

/* /proc/sys/fs/pipe-*: bytes of one pipe, pages of all pipes of a user; 0: no limit. Beyond
 * the soft one new pipes are small and none grows, beyond the hard one there are no new. */
extern u32 pipe_max_size, pipe_user_pages_soft, pipe_user_pages_hard;
/* The soft limit fits the machine: at boot, when its memory is known. */
void pipe_init(void);

/* Capacity in bytes. f is a pipe. */
u32 pipe_capacity(struct file *f);

/* Sets the capacity to the power of two of pages that holds `bytes`: the new capacity.
 * -EINVAL beyond 2^31, -EPERM beyond the limits, -EBUSY when more is inside, -ENOMEM. */
long pipe_set_capacity(struct file *f, u64 bytes);

/* For a new pipe: how many pages, all charged; 0: its user has too many. */
u32 pipe_room_for_new(struct account *a);
void pipe_room_uncharge(struct account *a, u32 nslots);
