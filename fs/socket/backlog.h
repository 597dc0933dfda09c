/* SPDX-License-Identifier: MIT
 *
 * How many connections may wait for accept(2).
 */
#pragma once

#include "lib/types.h"

/* /proc/sys/net/core/somaxconn: listen(2) makes of a longer queue one of this. A single word. */
extern u32 socket_backlog_max;
