/* SPDX-License-Identifier: MIT
 *
 * /dev/kmsg: the log, line by line.
 */
#pragma once

#include "lib/types.h"

/* /dev/kmsg (1:11): the log, line by line. */
void kmsg_init(void);

/* 1: reading the log asks for CAP_SYSLOG (/proc/sys/kernel/dmesg_restrict). */
extern u32 kmsg_restricted;
