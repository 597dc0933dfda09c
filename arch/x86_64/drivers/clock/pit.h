/* SPDX-License-Identifier: MIT
 *
 * Channel 0 of the 8254 timer.
 */
#pragma once

#include "lib/types.h"

#define PIT_HZ 1193182u

struct reference_clock;

bool pit_start(struct reference_clock *y);

bool pit_start_periodic(u32 hz); /* false: there is none */
