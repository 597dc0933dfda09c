/* SPDX-License-Identifier: MIT
 *
 * The life of a device: it gets an address (4.3.3, USB 2.0 9.1.2), keyboards and hubs are
 * handed to their drivers, all others are let go.
 */
#include "arch/x86_64/drivers/usb/device.h"

#include "arch/time.h"
#include "arch/x86_64/drivers/usb/command.h"
#include "arch/x86_64/drivers/usb/hid.h"
#include "arch/x86_64/drivers/usb/hub.h"
#include "arch/x86_64/drivers/usb/legacy.h"
#include "arch/x86_64/drivers/usb/port.h"
#include "arch/x86_64/drivers/usb/trb.h"
#include "arch/x86_64/drivers/usb/usb.h"
#include "arch/x86_64/drivers/usb/xhci.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/sched.h"
#include "kernel/term/keyboard.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/waitq.h"
#include "mm/phys/slab.h"

#define ADDRESS_MS      10u
#define PIPE_ERRORS_MAX 4u

#define GET_DESCRIPTOR    6u
#define SET_CONFIGURATION 9u
#define CLEAR_FEATURE     1u
#define TO_ENDPOINT       0x02u
#define FROM_DEVICE       0x80u

SLAB_CACHE(device_cache, "usb_device", struct usb_device);

struct usb_device *usb_find(struct xhci *x, const struct usb_device *hub, u32 port)
{
    for (u32 slot = 1; slot <= XHCI_SLOTS; slot++) {
        struct usb_device *dev = x->devices[slot];

        if (dev && dev->hub == hub && dev->port == port)
            return dev;
    }
    return NULL;
}

/* ---- a device's life ---- */

/* Where it is plugged in, as the slot context wants it (6.2.2): the route, and for slow
 * devices behind a fast hub who translates. */
static void place(struct usb_device *dev, struct usb_device *hub, u32 port)
{
    dev->hub = hub;
    dev->port = (u8)port;
    if (!hub) {
        dev->root_port = (u8)port;
        return;
    }
    dev->root_port = hub->root_port;
    dev->tier = hub->tier + 1;
    dev->route = hub->route | port << (4 * hub->tier);
    if (dev->speed == SPEED_HIGH)
        return;
    dev->tt_slot = hub->speed == SPEED_HIGH ? hub->slot : hub->tt_slot;
    dev->tt_port = hub->speed == SPEED_HIGH ? (u8)port : hub->tt_port;
}

/* Shows the device to the controller and to the tick, or hides it. */
static void publish(struct usb_device *dev, bool shown)
{
    struct xhci *x = dev->host;
    irqflags_t flags = spin_lock_irq(&x->lock);

    x->devices[dev->slot] = shown ? dev : NULL;
    if (shown)
        x->memory->contexts[dev->slot] = virt_to_phys(dev->memory->output);
    spin_unlock_irq(&x->lock, flags);
}

static struct usb_device *device_create(struct xhci *x)
{
    struct usb_device *dev = slab_zalloc(&device_cache);

    if (!dev)
        return NULL;
    dev->host = x;
    dev->memory = xhci_alloc(x, MEMORY_ORDER);
    if (!dev->memory) {
        slab_free(&device_cache, dev);
        return NULL;
    }
    dev->buffer = dev->memory->buffer;
    trb_init(&dev->control_ring, dev->memory->control);
    return dev;
}

/* Takes the slot back and frees the memory, once the controller does not use it. */
static void device_destroy(struct usb_device *dev)
{
    struct xhci *x = dev->host;

    if (dev->slot) {
        publish(dev, false);
        xhci_command(x, 0, TRB_TYPE(TRB_DISABLE_SLOT) | TRB_SLOT(dev->slot), NULL);
        x->memory->contexts[dev->slot] = 0;
    }
    xhci_free(dev->memory, MEMORY_ORDER);
    slab_free(&device_cache, dev);
}

void usb_detach(struct usb_device *dev)
{
    struct xhci *x = dev->host;

    for (u32 slot = 1; slot <= XHCI_SLOTS; slot++)
        if (x->devices[slot] && x->devices[slot]->hub == dev)
            usb_detach(x->devices[slot]);
    if (!dev->nports)
        hid_detach(dev);
    device_destroy(dev);
}

/* ---- enumeration ---- */

static int read_descriptor(struct usb_device *dev, u8 type, u16 nbytes)
{
    int n = usb_control(dev, FROM_DEVICE, GET_DESCRIPTOR, (u16)(type << 8), 0, nbytes);

    if (n < 0)
        return n;
    return n >= 8 && dev->buffer[1] == type ? n : -EIO;
}

/* Largest packet of endpoint 0, which full-speed devices choose (USB 2.0, 5.5.3). */
static int read_packet0(struct usb_device *dev)
{
    int n = read_descriptor(dev, USB_DEVICE, 8);
    u8 packet = dev->buffer[7];

    if (n < 0)
        return n;
    if (dev->speed != SPEED_FULL || packet == 8)
        return 0;
    if (packet != 16 && packet != 32 && packet != 64)
        return -EIO;
    return xhci_set_packet0(dev, packet);
}

int usb_configure(struct usb_device *dev, u8 configuration)
{
    return usb_control(dev, 0, SET_CONFIGURATION, configuration, 0, 0);
}

/* Finds out what it is and starts its driver. */
static int identify(struct usb_device *dev)
{
    struct usb_function f;
    u16 total;
    int n;

    n = read_packet0(dev);
    if (n < 0)
        return n;
    n = read_descriptor(dev, USB_DEVICE, USB_DEVICE_BYTES);
    if (n < (int)USB_DEVICE_BYTES)
        return n < 0 ? n : -EIO;
    dev->vendor = usb_u16(dev->buffer + 8);
    dev->product = usb_u16(dev->buffer + 10);
    n = read_descriptor(dev, USB_CONFIGURATION, USB_CONFIGURATION_BYTES);
    if (n < 0)
        return n;
    total = usb_u16(dev->buffer + 2);
    n = read_descriptor(dev, USB_CONFIGURATION, MIN(total, (u16)USB_BUFFER_BYTES));
    if (n < 0)
        return n;
    if (usb_find_function(dev->buffer, (size_t)n, USB_BOOT_KEYBOARD, 0xffffff, &f))
        return hid_attach(dev, &f);
    /* A SuperSpeed hub has a twin at high speed: keyboards are behind that one. */
    if (dev->speed < SPEED_SUPER &&
        usb_find_function(dev->buffer, (size_t)n, USB_ANY_HUB, 0xff0000, &f))
        return hub_attach(dev, &f);
    return -ENODEV;
}

int usb_attach(struct xhci *x, struct usb_device *hub, u32 port, u32 speed)
{
    struct usb_device *dev;
    u32 root = hub ? hub->root_port : port;
    u8 slot = 0;
    int err;

    if (speed == 0)
        return -EIO;
    dev = device_create(x);
    if (!dev)
        return -ENOMEM;
    dev->speed = (u8)speed;
    place(dev, hub, port);
    err = xhci_command(
        x, 0, TRB_TYPE(TRB_ENABLE_SLOT) | TRB_ENDPOINT(x->ports[root].slot_type), &slot);
    if (!err && (slot == 0 || slot > x->nslots || x->devices[slot]))
        err = -EIO;
    if (!err) {
        dev->slot = slot;
        publish(dev, true);
        err = xhci_address_device(dev);
    }
    if (!err) {
        usb_sleep(ADDRESS_MS);
        err = identify(dev);
    }
    if (err)
        device_destroy(dev);
    return err;
}

/* ---- service ---- */

/* An endpoint stopped: tries again, and gives the device up when that does not help. */
static void pipe_repair(struct usb_device *dev)
{
    struct usb_pipe *p = &dev->pipe;
    bool stalled = p->halted == CODE_STALL;
    int err = -EIO;

    if (p->errors <= PIPE_ERRORS_MAX)
        err = xhci_restart_endpoint(dev, p->index, &p->ring, false);
    if (!err && stalled)
        err = usb_control(dev, TO_ENDPOINT, CLEAR_FEATURE, 0, (u16)(0x80 | p->index / 2),
                          0);
    if (err >= 0) {
        pipe_start(dev);
        return;
    }
    printk("usb: %04x:%04x given up: its reports fail (code %u)\n", dev->vendor,
           dev->product, p->halted);
    usb_detach(dev);
}

void usb_service_device(struct usb_device *dev)
{
    if (READ_ONCE(dev->pipe.halted))
        pipe_repair(dev);
    else if (dev->nports)
        hub_service(dev);
    else
        hid_service(dev);
}
