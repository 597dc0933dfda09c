/* SPDX-License-Identifier: MIT
 *
 * The load averages of 1, 5 and 15 minutes: how many threads ran or were ready to.
 */
#pragma once

#include "lib/types.h"

#define LOAD_SHIFT 11 /* 1 << 11 is a load of 1.0 */

void loadavg_init(void); /* starts the thread that takes the samples */
void loadavg_get(u64 out[3]);
