/* SPDX-License-Identifier: MIT
 *
 * Sockets as open files: reading, writing, polling.
 */
#pragma once

#include "fs/socket/socket.h"

/* Bytes or errno; m->uio->broken: SIGPIPE is due. */
ssize_t socket_send(struct file *f, struct message *m);

ssize_t socket_receive(struct file *f, struct message *m);
