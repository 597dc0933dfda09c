/* SPDX-License-Identifier: MIT
 *
 * The machine's own name and domain, as uname and /proc/sys/kernel show them.
 */
#pragma once

#include "lib/types.h"

#define UTS_SIZE 65

enum uts_name { UTS_NODE, UTS_DOMAIN };

void uts_get(enum uts_name which, char out[UTS_SIZE]);
/* What is longer is cut. */
void uts_set(enum uts_name which, const char *name, size_t len);
