/* SPDX-License-Identifier: MIT
 *
 * Rings of transfer request blocks, doorbells, events.
 */
#pragma once

#include "lib/types.h"

struct trb;
struct trb_ring;
struct usb_device;
struct usb_wait;
struct xhci;

void trb_init(struct trb_ring *r, struct trb *trbs);
/* Appends a TRB, whose address it returns; the doorbell is the caller's. */
paddr_t trb_put(struct trb_ring *r, u64 parameter, u32 status, u32 control);
void xhci_doorbell(const struct xhci *x, u32 slot, u32 target);
/* Handles the events that are there, a bounded number. Any context. */
void xhci_poll(struct xhci *x);
/* Whether the controller reports that it stopped; one register read. */
bool xhci_is_broken(const struct xhci *x);
/* Waits for w->done; false after `ms`. USB thread. */
bool xhci_wait(struct xhci *x, const struct usb_wait *w, u32 ms);
/* Puts the next buffer for a report into the ring of the pipe. x->lock held. */
void pipe_queue(struct usb_device *dev);
