/* SPDX-License-Identifier: MIT
 *
 * Requests to a loop device: its file, its part of it, and what block devices are asked.
 */
#pragma once

#include "lib/types.h"

struct file;

long loop_ioctl(struct file *f, u32 cmd, uintptr_t arg); /* file_ops.ioctl */
