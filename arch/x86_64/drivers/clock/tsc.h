/* SPDX-License-Identifier: MIT
 *
 * The time stamp counter.
 */
#pragma once

#include "lib/types.h"

void tsc_init(void);
u64 tsc_khz(void);
const char *tsc_source(void); /* what told its rate */
