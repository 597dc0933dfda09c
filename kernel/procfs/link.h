/* SPDX-License-Identifier: MIT
 *
 * What the links of /proc/PID/fd and the directory of that name share.
 */
#pragma once

#include "fs/fdtable.h"
#include "lib/types.h"

struct procfs_node;

/* The descriptor table of the thread whose directory the node is in, of the first one in that of a
 * process; referenced. NULL: it ended. */
struct fdtable *procfs_get_files(const struct procfs_node *n);
