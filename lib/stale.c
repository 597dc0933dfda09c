/* SPDX-License-Identifier: MIT
 *
 * See lib/stale.h.
 */
#include "lib/stale.h"

bool stale_off;
