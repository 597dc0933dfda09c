/* SPDX-License-Identifier: MIT
 *
 * What the links of /proc/PID/fd and the directory of that name share.
 */
#pragma once

#include "fs/fdtable.h"
#include "lib/types.h"

/* The descriptor table of a process, referenced; NULL: no such process, or it ended. */
struct fdtable *procfs_get_files(s32 pid);
