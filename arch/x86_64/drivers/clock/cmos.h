/* SPDX-License-Identifier: MIT
 *
 * The battery clock's periodic flag as a reference clock.
 */
#pragma once

#include "lib/types.h"

struct reference_clock;

bool rtc_start(struct reference_clock *y);
