/* SPDX-License-Identifier: MIT
 *
 * Keyboard layouts.
 */
#pragma once

#include "lib/types.h"

struct layout;
struct layout_key;

/* The layout of that name, NULL: not known. layout_find("us") is never NULL. */
const struct layout *layout_find(const char *name);
/* The characters of a key, NULL when it has none. */
const struct layout_key *layout_key(const struct layout *l, u8 usage);
