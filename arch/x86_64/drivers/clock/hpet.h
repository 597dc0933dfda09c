/* SPDX-License-Identifier: MIT
 *
 * The counters that ACPI tables name: HPET and power management timer.
 */
#pragma once

#include "lib/types.h"

struct reference_clock;

/* Fill *y and start the counter; false when the machine does not have it. */
bool hpet_start(struct reference_clock *y);
bool pm_timer_start(struct reference_clock *y);
