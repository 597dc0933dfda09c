/* SPDX-License-Identifier: MIT
 *
 * Taking the host controller over from the firmware; what its ports are.
 */
#pragma once

#include "lib/types.h"

struct xhci;

/* Takes the controller over from the firmware; bounded, gives up waiting quietly. */
void xhci_take_over(struct xhci *x);
/* Chipsets of 2012 to 2015 give a port to EHCI or to xHCI: takes all there are. */
void xhci_route_ports(struct xhci *x);
/* Reads what protocol each port speaks. */
void xhci_read_protocols(struct xhci *x);
