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

/* /dev/host0 (input), host1, host2, host3: present under tools/run only. */
void hostport_init(void);

/* 1: reading the log asks for CAP_SYSLOG (/proc/sys/kernel/dmesg_restrict). */
extern u32 kmsg_restricted;

/* /dev/kmsg (1:11): the log, line by line. */
void kmsg_init(void);

/* /dev/fb0 (29:0), when there is a framebuffer. */
void fbdev_init(void);
