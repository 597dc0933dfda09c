/* SPDX-License-Identifier: MIT
 *
 * Ports of the controller itself (4.3, 5.4.8): power, connection, reset. A USB 2 port
 * enables its device by a reset; a USB 3 port has done so by itself.
 */
#include "arch/x86_64/drivers/usb/xhci.h"

#include "arch/x86_64/drivers/usb/port.h"
#include "arch/x86_64/drivers/usb/usb.h"
#include "lib/log.h"
#include "lib/uapi/errno.h"

#define DEBOUNCE_MS 100u /* USB 2.0, 7.1.7.3 */
#define RESET_MS    500u
#define RECOVERY_MS 10u
#define ATTEMPTS    3u

static u32 port_register(const struct xhci *x, u32 port)
{
    return x->op + OP_PORTSC + (port - 1) * 16;
}

static u32 port_status(const struct xhci *x, u32 port)
{
    return xhci_read(x, port_register(x, port));
}

/* Writes `bits` without touching what a written one would change. */
static void port_set(const struct xhci *x, u32 port, u32 bits)
{
    xhci_write(x, port_register(x, port), (port_status(x, port) & PORT_KEPT) | bits);
}

void root_power_all(struct xhci *x)
{
    for (u32 port = 1; port <= x->nports; port++) {
        if (!(port_status(x, port) & PORT_POWER))
            port_set(x, port, PORT_POWER);
        x->ports[port].known = false;
        x->ports[port].changed = true;
    }
}

static int port_reset(struct xhci *x, u32 port)
{
    bool usb3 = x->ports[port].major == 3;

    if (usb3 && port_status(x, port) & PORT_ENABLED)
        return 0;
    port_set(x, port, usb3 ? PORT_WARM_RESET : PORT_RESET);
    for (u32 ms = 0; ms < RESET_MS; ms += 10) {
        u32 status = port_status(x, port);

        if (!(status & PORT_CONNECTED))
            return -ENODEV;
        if (status & PORT_RESET_CHG && !(status & PORT_RESET)) {
            port_set(x, port, status & PORT_CHANGES & ~PORT_CONNECT_CHG);
            usb_sleep(RECOVERY_MS);
            return status & PORT_ENABLED ? 0 : -EIO;
        }
        usb_sleep(10);
    }
    return -ETIMEDOUT;
}

static void port_attach(struct xhci *x, u32 port)
{
    int err = -EIO;

    for (u32 i = 0; i < ATTEMPTS && err; i++) {
        if (!x->running)
            return;
        err = port_reset(x, port);
        if (!err)
            err = usb_attach(x, NULL, port, PORT_SPEED(port_status(x, port)));
        if (err == -ENODEV || err == -ENOSPC || err == -ENOMEM)
            break;
    }
    if (err && err != -ENODEV)
        printk("usb: controller %u port %u: device not usable (error %d)\n", x->number,
               port, -err);
}

void root_service(struct xhci *x, u32 port)
{
    struct xhci_port *p = &x->ports[port];
    struct usb_device *dev = usb_find(x, NULL, port);
    u32 status = port_status(x, port);

    port_set(x, port, status & PORT_CHANGES);
    if (!(status & PORT_CONNECTED) || status & PORT_CONNECT_CHG)
        p->known = false;
    if (dev && (!p->known || !(status & PORT_ENABLED))) {
        usb_detach(dev);
        p->known = false;
    }
    if (!(status & PORT_CONNECTED) || p->known)
        return;
    usb_sleep(DEBOUNCE_MS);
    if (READ_ONCE(p->changed)) /* it bounced: begin again */
        return;
    p->known = true;
    port_attach(x, port);
}
