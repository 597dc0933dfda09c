/* SPDX-License-Identifier: MIT
 *
 * What a device says of itself (USB 2.0, 9.6): pure functions over its bytes, which are
 * hostile. The same code runs in the host tests.
 */
#pragma once

#include "lib/types.h"

enum {
    USB_DEVICE = 1,
    USB_CONFIGURATION = 2,
    USB_INTERFACE = 4,
    USB_ENDPOINT = 5,
};

#define USB_DEVICE_BYTES        18u
#define USB_CONFIGURATION_BYTES 9u
#define USB_CLASS_HUB           0x09u

/* Class, subclass and protocol of an interface, from the top byte down. */
#define USB_BOOT_KEYBOARD 0x030101u /* HID 1.11, 4.1 to 4.3 */
#define USB_ANY_HUB       0x090000u

/* An interface that was asked for, with its first interrupt IN endpoint. */
struct usb_function {
    u8 configuration; /* value for SET_CONFIGURATION */
    u8 interface;
    u8 endpoint; /* number, 1 to 15 */
    u8 interval; /* bInterval as it stands */
    u16 packet;  /* largest packet, 1 to 1024 bytes */
};

/* Looks through n bytes of a configuration for the first interface of alternate setting 0
 * whose code agrees with `code` in the bits of `mask`. False: none with a usable endpoint.
 * The walk ends at the first descriptor that does not fit. */
bool usb_find_function(const u8 *bytes, size_t n, u32 code, u32 mask,
                       struct usb_function *out);

static inline u16 usb_u16(const u8 *bytes)
{
    return (u16)(bytes[0] | bytes[1] << 8);
}
