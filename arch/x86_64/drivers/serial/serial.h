/* SPDX-License-Identifier: MIT
 *
 * The first serial port.
 */
#pragma once

#include "lib/types.h"

bool serial_present(void); /* as the first line of the log found it */
void serial_close(void);   /* from now on there is none */
void serial_put(u8 byte);  /* waits a bounded time for room; dropped when none comes */
void serial_enable_input(void); /* lets it interrupt */
void serial_receive(void);      /* hands what has arrived to console_input */
