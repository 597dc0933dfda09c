/* SPDX-License-Identifier: MIT
 *
 * Whether memory is there.
 */
#pragma once

#include "lib/types.h"

struct bootinfo;

/* Takes usable memory that does not hold what is written to it out of the normalised map,
 * with a line for each piece. Destroys contents. Returns the number of usable bytes left. */
u64 probe_memory(struct bootinfo *bi);
