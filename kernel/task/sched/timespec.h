/* SPDX-License-Identifier: MIT
 *
 * Small helpers that system calls share.
 */
#pragma once

#include "lib/types.h"
