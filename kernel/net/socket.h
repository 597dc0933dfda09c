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

/* What a sender gives along by f, into m: -EINVAL, -EFAULT, -EBADF, -EPERM, -ESRCH, -ENOBUFS,
 * -ENODEV, -EOPNOTSUPP. */
int must_check control_from_user(struct file *f, struct message *m, vaddr_t user,
                                 u64 len);

/* Room for what goes along, as far as it is filled. */
struct control {
    u64 user, room, used;
    u32 flags; /* MSG_CTRUNC */
};

/* One record of n bytes for a receiver: cut where there is no room, left out where the room is
 * no memory. */
void control_put(struct control *c, s32 level, s32 type, const void *data, u64 n);

/* What a sender says of a datagram's head (cmsg of IPPROTO_IP, IPPROTO_IPV6). -EINVAL, -ENODEV,
 * -EOPNOTSUPP. */
int must_check control_head(struct message *m, s32 level, s32 type, const u8 *data,
                            u64 len);
/* The other way, as far as m->wants asks. */
void control_tell_head(const struct message *m, struct control *c);

/* Tells a receiver what came along with m. */
void control_to_user(struct file *f, struct message *m, struct control *c);
