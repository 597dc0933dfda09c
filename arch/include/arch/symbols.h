/* SPDX-License-Identifier: MIT
 *
 * Names of addresses in the kernel image.
 */
#pragma once

#include "lib/types.h"

/* Name and offset of the symbol that holds `ip`; "?" when unknown. The table is linked into
 * the image (tools/mksyms). */
const char *symbol_at(uintptr_t ip, u64 *offset);

/* Names this very image: digits made from its contents (tools/mksyms.py). */
const char *build_id(void);
