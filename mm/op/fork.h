/* SPDX-License-Identifier: MIT
 *
 * The address space of a new process.
 */
#pragma once

#include "lib/types.h"

struct mm;

/* fork: a copy in which private memory is shared until written, shared mappings show the
 * same pages in the same arrangement, VM_DONTFORK areas are missing. -ENOMEM: no trace. */
int must_check mm_fork(struct mm *parent, struct mm **child);
