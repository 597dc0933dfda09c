/* SPDX-License-Identifier: MIT
 *
 * Between the files of socket calls.
 */
#pragma once

#include "fs/socket/socket.h"

#include "lib/types.h"

struct address;
struct file;
struct message;

/* The socket of a descriptor, referenced: 0, -EBADF, -ENOTSOCK. */
int must_check socket_of(int fd, struct file **f);

/* -EINVAL, -EFAULT. to_user: as much as *user_len has room for, then the true length. */
int must_check address_from_user(struct address *a, vaddr_t user, s32 len);
int must_check address_to_user(const struct address *a, vaddr_t user, vaddr_t user_len);

/* What a sender gives along, into m: -EINVAL, -EFAULT, -EBADF, -EPERM, -ENOBUFS. */
int must_check control_from_user(struct message *m, vaddr_t user, u64 len);

/* Room for what goes along, as far as it is filled. */
struct control {
    u64 user, room, used;
    u32 flags; /* MSG_CTRUNC */
};

/* Tells a receiver what came along with m. */
int must_check control_to_user(struct file *f, struct message *m, struct control *c);
