/* SPDX-License-Identifier: MIT
 *
 * Devices of the kernel itself: numbers as Linux encodes them, registration at boot.
 */
#pragma once

#include "fs/vfs.h"
#include "lib/types.h"

#define DEVICE(major, minor) ((u64)(major) << 8 | (minor))

/* Registers with devfs; panics when that fails, which only happens at boot. */
void device_add(const char *name, u64 rdev, u32 perm, const struct file_ops *ops);

void devices_init(void); /* null zero full random urandom, host ports, loops */
