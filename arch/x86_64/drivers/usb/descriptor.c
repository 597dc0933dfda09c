/* SPDX-License-Identifier: MIT
 *
 * A configuration is a chain of descriptors, each opened by its length and its type. Types
 * of no interest (classes, associations, SuperSpeed companions) are stepped over.
 */
#include "arch/x86_64/drivers/usb/descriptor.h"

#define INTERFACE_BYTES 9u
#define ENDPOINT_BYTES  7u

#define ENDPOINT_IN        0x80u
#define ENDPOINT_NUMBER    0x0fu
#define TRANSFER_TYPE      0x03u
#define TRANSFER_INTERRUPT 0x03u
#define PACKET_BYTES       0x7ffu
#define PACKET_MAX         1024u

/* The endpoint of descriptor d if it brings reports. */
static bool take_endpoint(const u8 *d, struct usb_function *out)
{
    u16 packet = usb_u16(d + 4) & PACKET_BYTES;

    if (!(d[2] & ENDPOINT_IN) || !(d[2] & ENDPOINT_NUMBER) ||
        (d[3] & TRANSFER_TYPE) != TRANSFER_INTERRUPT || packet == 0 ||
        packet > PACKET_MAX)
        return false;
    out->endpoint = d[2] & ENDPOINT_NUMBER;
    out->interval = d[6];
    out->packet = packet;
    return true;
}

static bool is_wanted(const u8 *d, u32 code, u32 mask)
{
    u32 its = (u32)d[5] << 16 | (u32)d[6] << 8 | d[7];

    return d[3] == 0 && (its & mask) == (code & mask);
}

bool usb_find_function(const u8 *bytes, size_t n, u32 code, u32 mask,
                       struct usb_function *out)
{
    bool inside = false; /* an interface that was asked for */

    if (n < USB_CONFIGURATION_BYTES || bytes[0] < USB_CONFIGURATION_BYTES ||
        bytes[1] != USB_CONFIGURATION)
        return false;
    n = MIN(n, (size_t)usb_u16(bytes + 2));
    out->configuration = bytes[5];
    for (size_t at = bytes[0]; at < n && n - at >= 2;) {
        const u8 *d = bytes + at;

        if (d[0] < 2 || d[0] > n - at)
            return false;
        if (d[1] == USB_INTERFACE) {
            inside = d[0] >= INTERFACE_BYTES && is_wanted(d, code, mask);
            if (inside)
                out->interface = d[2];
        } else if (d[1] == USB_ENDPOINT && inside && d[0] >= ENDPOINT_BYTES) {
            if (take_endpoint(d, out))
                return true;
        }
        at += d[0];
    }
    return false;
}
