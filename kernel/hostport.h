/* SPDX-License-Identifier: MIT
 *
 * The streams of a program that tools/run started, as devices.
 */
#pragma once

#include "lib/types.h"

/* /dev/host0 (input), host1, host2, host3: present under tools/run only. */
void hostport_init(void);
