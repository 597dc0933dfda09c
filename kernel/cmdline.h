/* SPDX-License-Identifier: MIT
 *
 * What the boot loader's command line says.
 */
#pragma once

#include "lib/types.h"

/* The value of `key=value` or "" for a bare `key` on the command line; NULL when absent. */
const char *cmdline_get(const char *key);
void cmdline_init(const char *text);
const char *cmdline_text(void);
