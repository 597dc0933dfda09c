/* SPDX-License-Identifier: MIT
 *
 * Random bytes for programs and for the kernel's own choices (stack canaries, AT_RANDOM).
 */
#pragma once

#include "lib/types.h"

void random_init(void);

/* Fills n bytes. Any context; works before random_init with what the CPU gives. */
void random_bytes(void *buf, size_t n);

/* Stirs in an event's moment. Any context. */
void random_stir(u64 value);
