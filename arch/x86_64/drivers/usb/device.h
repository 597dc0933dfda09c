/* SPDX-License-Identifier: MIT
 *
 * USB devices as the keyboard and hub drivers see them. A device is made, served and freed
 * by the USB thread alone; the tick only looks at those with a slot, under the lock of the
 * controller, and touches what is marked [P] (the poll).
 */
#pragma once

#include "arch/x86_64/drivers/usb/descriptor.h"
#include "arch/x86_64/drivers/usb/report.h"
#include "lib/types.h"

struct trb;
struct usb_device;
struct xhci;
struct device_memory;

/* As PORTSC and slot contexts count them (xHCI 1.2, 7.2.2.1.1). */
enum { SPEED_FULL = 1, SPEED_LOW = 2, SPEED_HIGH = 3, SPEED_SUPER = 4 };

#define USB_BUFFER_BYTES 1024u
#define HUB_PORTS_MAX    15u /* a digit of the route */
#define HUB_TIERS_MAX    5u  /* USB 2.0, 4.1.1 */

/* A producer and its place in a ring of TRBs; see trb.c. */
struct trb_ring {
    struct trb *trbs;
    u32 next;
    u32 cycle;
};

/* What somebody waits for: the event of one TRB. */
struct usb_wait {
    paddr_t trb; /* 0: nothing */
    bool done;   /* [P] */
    u8 code;     /* [P] completion code */
    u8 slot;     /* [P] of commands */
    u32 left;    /* [P] bytes not moved */
};

/* The interrupt IN endpoint of a device. */
struct usb_pipe {
    struct trb_ring ring; /* [P] */
    u32 index;            /* in the device context, 0: no pipe */
    u32 nbytes;           /* of a report, at most */
    u32 errors;           /* [P] in a row */
    u8 halted;            /* [P] completion code that stopped it, 0: it runs */
    /* [P] Takes a report of n bytes, in the tick; n may be 0. */
    void (*report)(struct usb_device *dev, const u8 *bytes, u32 n);
};

struct usb_device {
    struct xhci *host;
    struct usb_device *hub; /* it is plugged into; NULL: a port of the controller */
    u8 port;                /* of the hub or the controller, from 1 */
    u8 root_port;
    u8 tier; /* 0: at the controller */
    u8 speed;
    u8 slot;
    u8 tt_slot, tt_port; /* transaction translator, 0: none */
    u32 route;
    u16 vendor, product;
    struct device_memory *memory; /* what the controller reads and writes */
    u8 *buffer;                   /* in it: USB_BUFFER_BYTES for control transfers */
    struct trb_ring control_ring;
    struct usb_wait control;
    struct usb_pipe pipe;

    /* Keyboards. */
    struct report_state held; /* [P] */
    u8 interface;
    u8 leds; /* as last sent */

    /* Hubs: one bit per port, from bit 1. */
    u8 nports;
    u32 changed; /* [P] */
    u32 known;   /* what is plugged in there was dealt with */
};

/* Makes a device that was reset and has no address yet usable, if it is a keyboard or a hub.
 * -ENODEV: it is neither and was let go. Other errors: it does not answer as it should. */
int must_check usb_attach(struct xhci *x, struct usb_device *hub, u32 port, u32 speed);
/* Forgets a device and all behind it; it may be gone already. */
void usb_detach(struct usb_device *dev);
struct usb_device *usb_find(struct xhci *x, const struct usb_device *hub, u32 port);

int must_check usb_configure(struct usb_device *dev, u8 configuration);

/* Does what the tick left behind for a device: reports, changed ports, a stopped endpoint. */
void usb_service_device(struct usb_device *dev);
