/* SPDX-License-Identifier: MIT
 *
 * The time stamp counter.
 */
#pragma once

#include "lib/types.h"

void tsc_init(void);
u64 tsc_khz(void);
/* The boot CPU and a new one call it at once: by how many cycles time went back from one to the
 * other, 0: it did not. */
u64 tsc_meet(void);
const char *tsc_source(void); /* what told its rate */
