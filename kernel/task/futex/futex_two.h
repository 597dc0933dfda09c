/* SPDX-License-Identifier: MIT
 *
 * Futex calls about two words.
 */
#pragma once

#include "lib/types.h"

struct futex_two;

long futex_two_words(struct futex_two *r, bool private, bool wake_op);
