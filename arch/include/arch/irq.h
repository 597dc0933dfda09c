/* SPDX-License-Identifier: MIT
 *
 * Interrupts of devices.
 */
#pragma once

#include "lib/types.h"

/* Starts delivery of received bytes to console_input(). */
void console_enable_input(void);
