/* SPDX-License-Identifier: MIT
 *
 * Locks of a thread that ends.
 */
#pragma once

#include "lib/types.h"

struct thread;

/* The running thread leaves its program, by its end or exec: what it holds of robust and PI
 * futexes is marked as an owner's that died. */
void futex_release(struct thread *t);
