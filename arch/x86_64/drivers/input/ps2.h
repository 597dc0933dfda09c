/* SPDX-License-Identifier: MIT
 *
 * The keyboard port of the 8042 controller.
 */
#pragma once

#include "lib/types.h"

/* After keyboard_init; USB controllers must have been taken from the firmware, which may
 * play an 8042 of its own until then. Waits half a second at most; none: nothing happens. */
void ps2_init(void);
void ps2_receive(void); /* hands what has arrived to keyboard_key; interrupts off */
void ps2_tick(void);    /* the same, and what the keyboard is to be told */
bool ps2_is_busy(void); /* ps2_tick has something to do besides looking */
