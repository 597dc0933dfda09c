/* SPDX-License-Identifier: MIT
 *
 * USB 2 hubs (USB 2.0, chapter 11): the controller translates for what is behind them once
 * it knows the route. The hub's endpoint tells which ports changed.
 */
#include "arch/x86_64/drivers/usb/hub.h"
#include "arch/x86_64/drivers/usb/command.h"
#include "arch/x86_64/drivers/usb/usb.h"
#include "arch/x86_64/drivers/usb/xhci.h"
#include "lib/log.h"
#include "lib/uapi/errno.h"

#define DEBOUNCE_MS 100u
#define RESET_MS    500u
#define RECOVERY_MS 10u
#define POWER_MS    100u
#define ATTEMPTS    3u

#define HUB_READ       0xa0u
#define PORT_READ      0xa3u
#define PORT_WRITE     0x23u
#define GET_STATUS     0u
#define CLEAR_FEATURE  1u
#define SET_FEATURE    3u
#define GET_DESCRIPTOR 6u
#define HUB_DESCRIPTOR 0x2900u
#define HUB_BYTES      9u

/* Features of ports (table 11-17); a change and its feature to clear are 16 apart. */
#define FEATURE_RESET 4u
#define FEATURE_POWER 8u
#define CHANGE_FIRST  16u
#define CHANGES       5u
#define CHANGE_RESET  20u

#define STATUS_CONNECTED  (1u << 0)
#define STATUS_ENABLED    (1u << 1)
#define STATUS_LOW_SPEED  (1u << 9)
#define STATUS_HIGH_SPEED (1u << 10)
#define CHANGED_CONNECTED (1u << 16)
#define CHANGED_RESET     (1u << 20)

/* In the tick: bit i of the report is port i, bit 0 the hub itself. */
static void take_report(struct usb_device *dev, const u8 *bytes, u32 n)
{
    for (u32 i = 0; i < MIN(n, 2u); i++)
        dev->changed |= (u32)bytes[i] << (8 * i);
    usb_wake();
}

static int port_feature(struct usb_device *dev, u8 request, u16 feature, u32 port)
{
    return usb_control(dev, PORT_WRITE, request, feature, (u16)port, 0);
}

/* wPortStatus, and wPortChange in the upper half. */
static int port_status(struct usb_device *dev, u32 port, u32 *out)
{
    int n = usb_control(dev, PORT_READ, GET_STATUS, 0, (u16)port, 4);

    if (n < 4)
        return n < 0 ? n : -EIO;
    *out = usb_u16(dev->buffer) | (u32)usb_u16(dev->buffer + 2) << 16;
    return 0;
}

int hub_attach(struct usb_device *dev, const struct usb_function *f)
{
    u32 think_time, power_ms;
    int err;

    if (dev->tier >= HUB_TIERS_MAX)
        return -ENODEV;
    err = usb_configure(dev, f->configuration);
    if (err < 0)
        return err;
    err = usb_control(dev, HUB_READ, GET_DESCRIPTOR, HUB_DESCRIPTOR, 0, HUB_BYTES);
    if (err < 0)
        return err;
    if (err < 7 || dev->buffer[2] == 0)
        return -EIO;
    think_time = usb_u16(dev->buffer + 3) >> 5 & 3;
    power_ms = MAX(dev->buffer[5] * 2u, POWER_MS);
    dev->nports = MIN(dev->buffer[2], (u8)HUB_PORTS_MAX);
    dev->pipe.report = take_report;
    err = xhci_open_pipe(dev, f, think_time);
    for (u32 port = 1; !err && port <= dev->nports; port++)
        if (port_feature(dev, SET_FEATURE, FEATURE_POWER, port) == -EIO)
            err = -EIO;
    if (err)
        return err;
    usb_sleep(power_ms);
    dev->changed = (2u << dev->nports) - 2;
    pipe_start(dev);
    printk("usb: hub %04x:%04x on controller %u port %u, tier %u, %u ports\n",
           dev->vendor, dev->product, dev->host->number, dev->root_port, dev->tier + 1u,
           dev->nports);
    return 0;
}

/* ---- its ports ---- */

static int port_reset(struct usb_device *dev, u32 port, u32 *status)
{
    int err = port_feature(dev, SET_FEATURE, FEATURE_RESET, port);

    for (u32 ms = 0; err >= 0 && ms < RESET_MS; ms += 10) {
        usb_sleep(10);
        err = port_status(dev, port, status);
        if (err)
            return err;
        if (!(*status & STATUS_CONNECTED))
            return -ENODEV;
        if (*status & CHANGED_RESET) {
            port_feature(dev, CLEAR_FEATURE, CHANGE_RESET, port);
            usb_sleep(RECOVERY_MS);
            return *status & STATUS_ENABLED ? 0 : -EIO;
        }
    }
    return err < 0 ? err : -ETIMEDOUT;
}

static void port_attach(struct usb_device *dev, u32 port)
{
    int err = -EIO;

    for (u32 i = 0; i < ATTEMPTS && err; i++) {
        u32 status;

        if (!dev->host->running)
            return;
        err = port_reset(dev, port, &status);
        if (!err)
            err = usb_attach(dev->host, dev, port,
                             status & STATUS_LOW_SPEED    ? SPEED_LOW
                             : status & STATUS_HIGH_SPEED ? SPEED_HIGH
                                                          : SPEED_FULL);
        if (err == -ENODEV || err == -ENOSPC || err == -ENOMEM)
            break;
    }
    if (err && err != -ENODEV)
        printk("usb: hub %04x:%04x port %u: device not usable (error %d)\n", dev->vendor,
               dev->product, port, -err);
}

/* 0, or an error of the hub itself. */
static int port_service(struct usb_device *dev, u32 port)
{
    struct usb_device *child = usb_find(dev->host, dev, port);
    u32 status, bit = 1u << port;
    int err = port_status(dev, port, &status);

    if (err)
        return err;
    for (u32 i = 0; i < CHANGES; i++)
        if (status >> (16 + i) & 1)
            port_feature(dev, CLEAR_FEATURE, (u16)(CHANGE_FIRST + i), port);
    if (!(status & STATUS_CONNECTED) || status & CHANGED_CONNECTED)
        dev->known &= ~bit;
    if (child && (!(dev->known & bit) || !(status & STATUS_ENABLED))) {
        usb_detach(child);
        dev->known &= ~bit;
    }
    if (!(status & STATUS_CONNECTED) || dev->known & bit)
        return 0;
    usb_sleep(DEBOUNCE_MS);
    err = port_status(dev, port, &status);
    if (err)
        return err;
    if (status & CHANGED_CONNECTED) /* it bounced: the hub reports it again */
        return 0;
    dev->known |= bit;
    port_attach(dev, port);
    return 0;
}

void hub_service(struct usb_device *dev)
{
    irqflags_t flags = spin_lock_irq(&dev->host->lock);
    u32 changed = dev->changed;

    dev->changed = 0;
    spin_unlock_irq(&dev->host->lock, flags);
    /* An error means the hub is going; its own port tells. */
    for (u32 port = 1; port <= dev->nports; port++)
        if (changed >> port & 1 && port_service(dev, port) != 0)
            return;
}
