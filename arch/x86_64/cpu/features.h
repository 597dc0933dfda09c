/* SPDX-License-Identifier: MIT
 *
 * What the CPU can do, found once.
 */
#pragma once

#include "lib/types.h"

void features_init(void);
