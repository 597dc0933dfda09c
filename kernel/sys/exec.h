/* SPDX-License-Identifier: MIT
 *
 * The start of the first program.
 */
#pragma once

#include "lib/types.h"

struct fs_context;

/* Starts pid 1: execs `path` with argv/envp (kernel strings). Panics with one clear line
 * when it cannot be started. */
void proc_start_init(const char *path, const char *const *argv, const char *const *envp,
                     const struct fs_context *fs);
