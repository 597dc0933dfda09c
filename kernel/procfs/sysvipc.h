/* SPDX-License-Identifier: MIT
 *
 * /proc/sysvipc/shm.
 */
#pragma once

#include "kernel/procfs/procfs.h"

int procfs_show_shm(struct seq *s, s32 pid);
