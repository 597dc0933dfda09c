/* SPDX-License-Identifier: MIT
 *
 * Ports of the root hub.
 */
#pragma once

#include "lib/types.h"

struct xhci;

void root_power_all(struct xhci *x);
/* Looks at a port that changed: forgets what was unplugged, attaches what is new. */
void root_service(struct xhci *x, u32 port);
