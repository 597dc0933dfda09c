/* SPDX-License-Identifier: MIT
 *
 * Sorting arrays in place.
 */
#pragma once

#include "lib/types.h"

#define SORT_ITEM_MAX 64u

/* Heap sort of n items of `size` <= SORT_ITEM_MAX bytes: no memory, no recursion, and no worst
 * case that an unlucky or hostile order could reach. Equal items may change places. */
void sort(void *items, size_t n, size_t size, bool (*less)(const void *a, const void *b));
