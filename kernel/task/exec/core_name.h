/* SPDX-License-Identifier: MIT
 *
 * Names of core files: /proc/sys/kernel/core_pattern and core_uses_pid, as core(5) has them.
 */
#pragma once

#include "lib/types.h"

#define CORE_PATTERN_SIZE 128u /* with the 0 behind it */

extern u32 core_uses_pid;

void core_pattern_get(char out[CORE_PATTERN_SIZE]);
/* n bytes; what is too long is cut. -EINVAL: a program that shall read it. */
int core_pattern_set(const char *text, size_t n);

/* The name of the core file of the running process, which signo ends. False: none is wanted, or it
 * has no room. */
bool core_name(char *out, size_t room, int signo);
