/* SPDX-License-Identifier: MIT
 *
 * Keyboards in the boot protocol (HID 1.11, 7.2 and appendix B): the form of report every
 * keyboard that firmware can use must speak. Reports arrive in the tick, lights are set by
 * the USB thread.
 */
#include "arch/x86_64/drivers/usb/hid.h"
#include "arch/x86_64/drivers/usb/command.h"
#include "arch/x86_64/drivers/usb/xhci.h"
#include "kernel/term/keyboard.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define TO_INTERFACE   0x21u
#define SET_REPORT     0x09u
#define SET_IDLE       0x0au
#define SET_PROTOCOL   0x0bu
#define PROTOCOL_BOOT  0u
#define OUTPUT_REPORT  0x0200u
#define LEDS_NEVER_SET 0xffu

static void take_report(struct usb_device *dev, const u8 *bytes, u32 n)
{
    report_decode(&dev->held, bytes, n, keyboard_key);
}

int hid_attach(struct usb_device *dev, const struct usb_function *f)
{
    int err = usb_configure(dev, f->configuration);

    if (err < 0)
        return err;
    dev->interface = f->interface;
    dev->leds = LEDS_NEVER_SET;
    /* Devices that know only the boot protocol, or no idle rate, refuse these; they work. */
    err = usb_control(dev, TO_INTERFACE, SET_PROTOCOL, PROTOCOL_BOOT, f->interface, 0);
    if (err < 0 && err != -EPIPE)
        return err;
    err = usb_control(dev, TO_INTERFACE, SET_IDLE, 0, f->interface, 0);
    if (err < 0 && err != -EPIPE)
        return err;
    dev->pipe.report = take_report;
    err = xhci_open_pipe(dev, f, 0);
    if (err)
        return err;
    pipe_start(dev);
    printk("usb: keyboard %04x:%04x on controller %u port %u, tier %u\n", dev->vendor,
           dev->product, dev->host->number, dev->root_port, dev->tier + 1u);
    return 0;
}

void hid_detach(struct usb_device *dev)
{
    irqflags_t flags = irq_save();

    printk("usb: keyboard %04x:%04x is gone\n", dev->vendor, dev->product);
    keyboard_release_all();
    irq_restore(flags);
}

void hid_service(struct usb_device *dev)
{
    u8 leds = keyboard_leds();

    if (leds == dev->leds)
        return;
    dev->leds = leds;
    dev->buffer[0] = leds;
    /* A keyboard without lights refuses; nothing is lost. */
    usb_control(dev, TO_INTERFACE, SET_REPORT, OUTPUT_REPORT, dev->interface, 1);
}
