/* SPDX-License-Identifier: MIT
 *
 * The serial ports as the host's streams of tools/run.
 */
#pragma once

#include "lib/types.h"

/* Ports that carry single streams out for tools/run, unmixed with the log: 1 standard
 * output, 2 standard error, 3 the program's end, 4 the trace of system calls. False when the
 * machine has no such port. */
bool console_port_present(unsigned port);
void console_port_put(unsigned port, u8 byte);

/* The second serial port brings standard input for tools/run: present, and its next byte or
 * -1 when none has come. */
bool console_stream_present(void);
int console_stream_get(void);
