/* SPDX-License-Identifier: MIT
 *
 * Commands to the host controller, and control transfers to devices.
 */
#pragma once

#include "lib/types.h"

struct trb_ring;
struct usb_device;
struct usb_function;
struct xhci;

/* Control transfer (USB 2.0, 9.3) of `length` bytes through dev->buffer: bytes moved,
 * -EPIPE: the device refused, -ETIMEDOUT, -EIO. */
int usb_control(struct usb_device *dev, u8 type, u8 request, u16 value, u16 index,
                u16 length);

/* Runs one command: 0, -ENOSPC no slot is free, -EIO refused or the controller failed. */
int xhci_command(struct xhci *x, u64 parameter, u32 control, u8 *slot_out);
int must_check xhci_address_device(struct usb_device *dev);
/* Tells the controller the largest packet of endpoint 0. */
int must_check xhci_set_packet0(struct usb_device *dev, u32 packet);
/* Adds the interrupt endpoint of f; for hubs (dev->nports) also what the controller must
 * know of a hub, think_time as in the hub descriptor. Reports are not asked for yet. */
int must_check xhci_open_pipe(struct usb_device *dev, const struct usb_function *f,
                              u32 think_time);
void pipe_start(struct usb_device *dev);
/* Makes a halted endpoint (its index) go on behind what its ring holds now. */
int xhci_restart_endpoint(struct usb_device *dev, u32 index, struct trb_ring *r,
                          bool stop);
