/* SPDX-License-Identifier: MIT
 *
 * The first serial port.
 */
#pragma once

#include "lib/types.h"

void serial_init(void); /* looks for it, and makes it a sink of the console */
bool serial_present(void);
void serial_close(void);        /* from now on there is none */
void serial_enable_input(void); /* lets it interrupt */
void serial_receive(void);      /* hands what has arrived to console_input */
