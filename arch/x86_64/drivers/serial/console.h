/* SPDX-License-Identifier: MIT
 *
 * The console: serial port, debug port and screen together.
 */
#pragma once

#include "lib/types.h"

void console_tick(void); /* draws what was put off, hands on what the screen answered */
