/* SPDX-License-Identifier: MIT
 *
 * /proc/sysrq-trigger.
 */
#pragma once

#include "kernel/procfs/procfs.h"

int procfs_store_sysrq(s32 pid, char *text, size_t n);
