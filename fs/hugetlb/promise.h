/* SPDX-License-Identifier: MIT
 *
 * Promises: which pages of which files and mappings the pool will have. The functions behind
 * mm/vm/huge.h.
 */
#pragma once

#include "lib/types.h"

struct huge_share;
struct vm_object;

/* From here on pages of 2 MiB come from the pool. settle: see hugepool_settle. */
void hugetlb_init(void (*settle)(void));

/* The object's pages count in s from now on; before it has some. */
void huge_set_share(struct vm_object *o, struct huge_share *s);

/* Promises bytes [0, size) of o. -ENOMEM. */
int must_check huge_promise_all(struct vm_object *o, u64 size);
