/* SPDX-License-Identifier: MIT
 *
 * The battery clock's periodic flag as a reference clock.
 */
#pragma once

#include "lib/types.h"

struct yardstick;

bool rtc_start(struct yardstick *y);
