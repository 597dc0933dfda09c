/* SPDX-License-Identifier: MIT
 *
 * The report of a panic on the screen. Its text has gone to the log before: the parts are
 * positions there (kernel/printk.h).
 */
#pragma once

#include "lib/types.h"

struct panic_text {
    const char *cause;
    u64 log_end; /* of what came before the panic */
    u64 where;   /* version and process, then each part up to the next */
    u64 registers;
    u64 backtrace; /* with its title */
    u64 end;
};

/* Draws what there is so far; may be called again with more. */
void panic_screen(const struct panic_text *t);
