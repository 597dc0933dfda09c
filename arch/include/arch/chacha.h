/* SPDX-License-Identifier: MIT
 *
 * The block function of ChaCha20 (RFC 8439, 2.3), which the random generator is made of.
 */
#pragma once

#include "lib/types.h"

#define CHACHA_KEY_WORDS 8
#define CHACHA_BLOCK     64u

/* n > 0 blocks for counter, counter + 1, ..., with a nonce of zeros above the 64-bit counter.
 * Any context. */
void arch_chacha_blocks(const u32 key[CHACHA_KEY_WORDS], u64 counter, void *out,
                        size_t n);
