/* SPDX-License-Identifier: MIT
 *
 * Commands (4.6), the contexts they carry (6.2), and control transfers (4.11.2.2). One
 * command and one control transfer are under way at a time: the USB thread makes them.
 */
#include "arch/x86_64/drivers/usb/command.h"
#include "arch/x86_64/drivers/usb/trb.h"
#include "arch/x86_64/drivers/usb/xhci.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define COMMAND_MS 5000u /* an Address Device asks the device itself */
#define CONTROL_MS 1000u

#define CONTEXT_SLOT    0u
#define CONTEXT_CONTROL 1u /* endpoint 0 */

#define SLOT_SPEED(s)   ((u32)(s) << 20)
#define SLOT_HUB        (1u << 26)
#define SLOT_ENTRIES(n) ((u32)(n) << 27)
#define SLOT_KEPT       0x07ffffffu

#define EP_ERRORS      (3u << 1)
#define EP_TYPE(t)     ((u32)(t) << 3)
#define EP_PACKET(n)   ((u32)(n) << 16)
#define EP_INTERVAL(i) ((u32)(i) << 16)

enum { EP_TYPE_CONTROL = 4, EP_TYPE_INTERRUPT_IN = 7 };

#define SETUP_NO_DATA  0u
#define SETUP_DATA_OUT (2u << 16)
#define SETUP_DATA_IN  (3u << 16)

static int code_error(u8 code)
{
    switch (code) {
    case CODE_SUCCESS:
    case CODE_SHORT:
        return 0;
    case CODE_STALL:
        return -EPIPE;
    case CODE_NO_SLOTS:
        return -ENOSPC;
    default:
        return -EIO;
    }
}

int xhci_command(struct xhci *x, u64 parameter, u32 control, u8 *slot_out)
{
    struct usb_wait *w = &x->command;
    irqflags_t flags;

    if (!x->running)
        return -EIO;
    flags = spin_lock_irq(&x->lock);
    w->done = false;
    w->trb = trb_put(&x->commands, parameter, 0, control);
    spin_unlock_irq(&x->lock, flags);
    xhci_doorbell(x, 0, 0);
    if (!xhci_wait(x, w, COMMAND_MS)) {
        xhci_fail(x, "a command was never answered");
        return -EIO;
    }
    if (slot_out)
        *slot_out = w->slot;
    return code_error(w->code);
}

/* ---- contexts ---- */

/* Context `index` of the device in the input: behind the control context. */
static u32 *input_context(struct usb_device *dev, u32 index)
{
    return (u32 *)(dev->memory->input + (index + 1) * dev->host->context_bytes);
}

/* An input that changes the contexts in `add`, a bit for each. */
static void input_begin(struct usb_device *dev, u32 add)
{
    u32 *control = (u32 *)dev->memory->input;

    memset(dev->memory->input, 0, sizeof(dev->memory->input));
    control[1] = add;
}

static void fill_endpoint(u32 *c, u32 type, u32 packet, const struct trb_ring *r,
                          u32 average)
{
    u64 dequeue = virt_to_phys(&r->trbs[r->next]) | r->cycle;

    c[1] = EP_ERRORS | EP_TYPE(type) | EP_PACKET(packet);
    c[2] = (u32)dequeue;
    c[3] = (u32)(dequeue >> 32);
    c[4] = average;
}

static int input_command(struct usb_device *dev, u32 type)
{
    return xhci_command(dev->host, virt_to_phys(dev->memory->input),
                        TRB_TYPE(type) | TRB_SLOT(dev->slot), NULL);
}

int xhci_address_device(struct usb_device *dev)
{
    static const u16 packets[] = {
        [SPEED_FULL] = 8, [SPEED_LOW] = 8, [SPEED_HIGH] = 64, [SPEED_SUPER] = 512};
    u32 packet = packets[MIN(dev->speed, (u8)SPEED_SUPER)];
    u32 *slot;

    input_begin(dev, 1u << CONTEXT_SLOT | 1u << CONTEXT_CONTROL);
    slot = input_context(dev, CONTEXT_SLOT);
    slot[0] = dev->route | SLOT_SPEED(dev->speed) | SLOT_ENTRIES(1);
    slot[1] = (u32)dev->root_port << 16;
    slot[2] = (u32)dev->tt_slot | (u32)dev->tt_port << 8;
    fill_endpoint(input_context(dev, CONTEXT_CONTROL), EP_TYPE_CONTROL, packet,
                  &dev->control_ring, 8);
    return input_command(dev, TRB_ADDRESS_DEVICE);
}

int xhci_set_packet0(struct usb_device *dev, u32 packet)
{
    input_begin(dev, 1u << CONTEXT_CONTROL);
    fill_endpoint(input_context(dev, CONTEXT_CONTROL), EP_TYPE_CONTROL, packet,
                  &dev->control_ring, 8);
    return input_command(dev, TRB_EVALUATE_CONTEXT);
}

/* The period as a power of two of 125 us (6.2.3.6, table 6-12). */
static u32 interval_exponent(u32 speed, u32 interval)
{
    u32 exponent = 3;

    if (speed == SPEED_LOW || speed == SPEED_FULL) {
        while (exponent < 10 && 2u << exponent <= interval * 8)
            exponent++;
        return exponent;
    }
    return MIN(MAX(interval, 1u), 16u) - 1;
}

int xhci_open_pipe(struct usb_device *dev, const struct usb_function *f, u32 think_time)
{
    const u32 *now = (const u32 *)dev->memory->output;
    struct usb_pipe *p = &dev->pipe;
    u32 index = f->endpoint * 2u + 1, *slot, *endpoint;

    trb_init(&p->ring, dev->memory->pipe);
    p->nbytes = MIN((u32)f->packet, REPORT_SIZE);
    input_begin(dev, 1u << CONTEXT_SLOT | 1u << index);
    slot = input_context(dev, CONTEXT_SLOT);
    slot[0] = (now[0] & SLOT_KEPT) | SLOT_ENTRIES(index);
    slot[1] = now[1];
    slot[2] = now[2];
    if (dev->nports) {
        slot[0] |= SLOT_HUB;
        slot[1] |= (u32)dev->nports << 24;
        if (dev->speed == SPEED_HIGH)
            slot[2] |= think_time << 16;
    }
    endpoint = input_context(dev, index);
    fill_endpoint(endpoint, EP_TYPE_INTERRUPT_IN, f->packet, &p->ring,
                  p->nbytes | (u32)f->packet << 16);
    endpoint[0] = EP_INTERVAL(interval_exponent(dev->speed, f->interval));
    p->index = index;
    return input_command(dev, TRB_CONFIGURE_ENDPOINT);
}

void pipe_start(struct usb_device *dev)
{
    irqflags_t flags = spin_lock_irq(&dev->host->lock);

    dev->pipe.halted = 0;
    for (u32 i = 0; i < REPORTS; i++)
        pipe_queue(dev);
    spin_unlock_irq(&dev->host->lock, flags);
    xhci_doorbell(dev->host, dev->slot, dev->pipe.index);
}

int xhci_restart_endpoint(struct usb_device *dev, u32 index, struct trb_ring *r,
                          bool stop)
{
    u32 where = TRB_SLOT(dev->slot) | TRB_ENDPOINT(index);

    /* It may be in the wanted state already: only the last command must succeed. */
    xhci_command(dev->host, 0,
                 where | TRB_TYPE(stop ? TRB_STOP_ENDPOINT : TRB_RESET_ENDPOINT), NULL);
    return xhci_command(dev->host, virt_to_phys(&r->trbs[r->next]) | r->cycle,
                        where | TRB_TYPE(TRB_SET_DEQUEUE), NULL);
}

/* ---- control transfers ---- */

static void put_control(struct usb_device *dev, u64 setup, bool in, u16 length)
{
    struct trb_ring *r = &dev->control_ring;
    u32 stage = !length ? SETUP_NO_DATA : in ? SETUP_DATA_IN : SETUP_DATA_OUT;

    trb_put(r, setup, 8, TRB_TYPE(TRB_SETUP) | TRB_IMMEDIATE | stage);
    if (length)
        trb_put(r, virt_to_phys(dev->buffer), length,
                TRB_TYPE(TRB_DATA) | (in ? TRB_IN | TRB_SHORT : 0));
    dev->control.trb =
        trb_put(r, 0, 0, TRB_TYPE(TRB_STATUS) | TRB_EVENT | (length && in ? 0 : TRB_IN));
}

int usb_control(struct usb_device *dev, u8 type, u8 request, u16 value, u16 index,
                u16 length)
{
    u64 setup = type | (u64)request << 8 | (u64)value << 16 | (u64)index << 32 |
                (u64)length << 48;
    struct xhci *x = dev->host;
    struct usb_wait *w = &dev->control;
    irqflags_t flags;
    bool answered;
    int err;

    ASSERT(length <= USB_BUFFER_BYTES);
    if (!x->running)
        return -EIO;
    flags = spin_lock_irq(&x->lock);
    w->done = false;
    w->left = 0;
    put_control(dev, setup, type & 0x80, length);
    spin_unlock_irq(&x->lock, flags);
    xhci_doorbell(x, dev->slot, CONTEXT_CONTROL);
    answered = xhci_wait(x, w, CONTROL_MS);
    flags = spin_lock_irq(&x->lock);
    w->trb = 0;
    spin_unlock_irq(&x->lock, flags);
    err = answered ? code_error(w->code) : -ETIMEDOUT;
    if (!err)
        return w->left <= length ? (int)(length - w->left) : 0;
    if (xhci_restart_endpoint(dev, CONTEXT_CONTROL, &dev->control_ring, !answered) != 0)
        return -EIO;
    return err;
}
