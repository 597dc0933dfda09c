/* SPDX-License-Identifier: MIT
 *
 * The list of extended capabilities (7): taking the controller from the firmware, which may
 * imitate a PS/2 keyboard with it (7.1, 4.22.1), and the protocols of the ports (7.2).
 * EHCI controllers stay the firmware's: there is no driver for them here, and what firmware
 * imitates is all that keyboards behind them have.
 */
#include "arch/x86_64/drivers/usb/legacy.h"
#include "arch/time.h"
#include "arch/x86_64/drivers/usb/xhci.h"
#include "lib/log.h"

#define CAPABILITIES_MAX 64u
#define HANDOFF_NS       1000000000ull

#define LEGACY_FIRMWARE_OWNS (1u << 16)
#define LEGACY_SYSTEM_OWNS   (1u << 24)
#define LEGACY_CONTROL       4u
#define SMI_ENABLES          0x0000e011u
#define SMI_EVENTS           0xe0000000u /* written ones clear them */
#define SMI_KEPT             0x000e1feeu /* reserved bits, written back as read */

/* Intel 7, 8 and 9 series chipsets: who drives a port, in configuration space (Intel 7 Series
 * chipset datasheet, xHCI configuration registers). The masks tell which bits may be set. */
#define VENDOR_INTEL      0x8086u
#define INTEL_USB2_ROUTE  0xd0u
#define INTEL_USB2_MASK   0xd4u
#define INTEL_USB3_ENABLE 0xd8u
#define INTEL_USB3_MASK   0xdcu

#define PROTOCOL_NAME 0x20425355u /* "USB " */

/* The next capability `id` behind `offset` (0: from the start); 0 at the end. */
static u32 find_capability(const struct xhci *x, u32 offset, u32 id)
{
    u32 at = offset;

    for (u32 i = 0; i < CAPABILITIES_MAX; i++) {
        u32 step = at ? (xhci_read(x, at) >> 8 & 0xff) * 4 : x->extended;

        if (step == 0 || at + step > x->nbytes - 16)
            return 0;
        at += step;
        if ((xhci_read(x, at) & 0xff) == id)
            return at;
    }
    return 0;
}

void xhci_take_over(struct xhci *x)
{
    u32 at = find_capability(x, 0, EXTENDED_LEGACY);
    u64 deadline = clock_monotonic_ns() + HANDOFF_NS;
    u32 control;

    if (!at)
        return;
    if (xhci_read(x, at) & LEGACY_FIRMWARE_OWNS) {
        xhci_write(x, at, xhci_read(x, at) | LEGACY_SYSTEM_OWNS);
        while (xhci_read(x, at) & LEGACY_FIRMWARE_OWNS) {
            if (clock_monotonic_ns() >= deadline) {
                printk("usb: controller %u: the firmware does not let go, going on\n",
                       x->number);
                xhci_write(x, at, LEGACY_SYSTEM_OWNS | (xhci_read(x, at) & 0xffff));
                break;
            }
            cpu_relax();
        }
    }
    control = xhci_read(x, at + LEGACY_CONTROL);
    xhci_write(x, at + LEGACY_CONTROL, (control & SMI_KEPT & ~SMI_ENABLES) | SMI_EVENTS);
}

void xhci_route_ports(struct xhci *x)
{
    static const u16 routed[] = {0x1e31, 0x8c31, 0x9c31, 0x8cb1, 0x9cb1};
    const struct pci_device *pci = &x->pci;

    for (u32 i = 0; i < ARRAY_SIZE(routed); i++) {
        if (pci->vendor != VENDOR_INTEL || pci->device != routed[i])
            continue;
        pci_write(pci, INTEL_USB3_ENABLE, pci_read(pci, INTEL_USB3_MASK));
        pci_write(pci, INTEL_USB2_ROUTE, pci_read(pci, INTEL_USB2_MASK));
    }
}

void xhci_read_protocols(struct xhci *x)
{
    u32 at = 0;

    for (u32 i = 0; i < CAPABILITIES_MAX; i++) {
        u32 ports;

        at = find_capability(x, at, EXTENDED_PROTOCOL);
        if (!at)
            return;
        if (xhci_read(x, at + 4) != PROTOCOL_NAME)
            continue;
        ports = xhci_read(x, at + 8);
        for (u32 p = 0; p < (ports >> 8 & 0xff); p++) {
            u32 port = (ports & 0xff) + p;

            if (port == 0 || port > x->nports)
                break;
            x->ports[port].major = (u8)(xhci_read(x, at) >> 24);
            x->ports[port].slot_type = xhci_read(x, at + 12) & 0x1f;
        }
    }
}
