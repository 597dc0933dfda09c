/* SPDX-License-Identifier: MIT
 *
 * What the CPU can do, found once.
 */
#pragma once

#include "lib/types.h"

void features_init(void);
/* Whether the running CPU has what the boot CPU has. */
bool features_agree(void);
