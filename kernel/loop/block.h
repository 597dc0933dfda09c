/* SPDX-License-Identifier: MIT
 *
 * What any block device is asked, of a loop device.
 */
#pragma once

#include "lib/types.h"

struct file;

/* -EINVAL: not known. */
long block_ioctl(struct file *f, u32 cmd, uintptr_t arg);
