/* SPDX-License-Identifier: MIT
 *
 * Rings (4.9): how work goes to the controller and how events come back. The owner of a TRB
 * is told by its cycle bit, which is written last. Events are taken by polling: by the tick,
 * and by the USB thread while it waits for one.
 */
#include "arch/x86_64/drivers/usb/trb.h"
#include "arch/time.h"
#include "arch/x86_64/drivers/usb/usb.h"
#include "arch/x86_64/drivers/usb/xhci.h"
#include "lib/string.h"
#include "lib/waitq.h"

#define EVENTS_PER_POLL 128u
#define SPIN_NS         200000ull /* most answers come sooner than the next tick */

void trb_init(struct trb_ring *r, struct trb *trbs)
{
    memset(trbs, 0, RING_TRBS * sizeof(*trbs));
    trbs[RING_TRBS - 1].parameter = virt_to_phys(trbs);
    r->trbs = trbs;
    r->next = 0;
    r->cycle = TRB_CYCLE;
}

paddr_t trb_put(struct trb_ring *r, u64 parameter, u32 status, u32 control)
{
    struct trb *t = &r->trbs[r->next];

    t->parameter = parameter;
    t->status = status;
    barrier();
    WRITE_ONCE(t->control, control | r->cycle);
    if (++r->next == RING_TRBS - 1) {
        WRITE_ONCE(r->trbs[r->next].control, TRB_TYPE(TRB_LINK) | TRB_TOGGLE | r->cycle);
        r->next = 0;
        r->cycle ^= TRB_CYCLE;
    }
    return virt_to_phys(t);
}

void xhci_doorbell(const struct xhci *x, u32 slot, u32 target)
{
    barrier();
    xhci_write(x, x->doorbells + slot * 4, target);
}

/* ---- events ---- */

static void finish(struct usb_wait *w, u8 code, u8 slot)
{
    w->code = code;
    w->slot = slot;
    w->trb = 0;
    barrier();
    WRITE_ONCE(w->done, true);
    usb_wake();
}

/* Stages of one control transfer: a short data stage is followed by its status stage, any
 * error ends the transfer. */
static void control_event(struct usb_device *dev, const struct trb *event)
{
    struct usb_wait *w = &dev->control;
    u8 code = EVENT_CODE(event->status);

    if (!w->trb)
        return;
    if (code == CODE_SHORT && event->parameter != w->trb)
        w->left = EVENT_LEFT(event->status);
    else if (code != CODE_SUCCESS || event->parameter == w->trb)
        finish(w, code, 0);
}

void pipe_queue(struct usb_device *dev)
{
    struct usb_pipe *p = &dev->pipe;
    u8 *buffer = dev->memory->reports[p->ring.next % REPORTS];

    trb_put(&p->ring, virt_to_phys(buffer), p->nbytes,
            TRB_TYPE(TRB_NORMAL) | TRB_EVENT | TRB_SHORT);
}

static void pipe_event(struct usb_device *dev, const struct trb *event)
{
    struct usb_pipe *p = &dev->pipe;
    u64 at = (event->parameter - virt_to_phys(p->ring.trbs)) / sizeof(struct trb);
    u32 left = EVENT_LEFT(event->status);
    u8 code = EVENT_CODE(event->status);

    if (code == CODE_SUCCESS || code == CODE_SHORT) {
        if (at >= RING_TRBS - 1 || left > p->nbytes || p->halted)
            return;
        p->errors = 0;
        p->report(dev, dev->memory->reports[at % REPORTS], p->nbytes - left);
        pipe_queue(dev);
        xhci_doorbell(dev->host, dev->slot, p->index);
    } else if (code != CODE_UNDERRUN && code != CODE_OVERRUN &&
               (code < CODE_STOPPED || code > CODE_STOPPED_SHORT)) {
        p->halted = code ? code : 0xff;
        p->errors++;
        usb_wake();
    }
}

static void transfer_event(struct xhci *x, const struct trb *event)
{
    u32 slot = event->control >> 24, index = event->control >> 16 & 0x1f;
    struct usb_device *dev = slot <= XHCI_SLOTS ? x->devices[slot] : NULL;

    if (dev && index == 1)
        control_event(dev, event);
    else if (dev && index && index == dev->pipe.index)
        pipe_event(dev, event);
}

static void handle_event(struct xhci *x, const struct trb *event)
{
    u32 port = event->parameter >> 24 & 0xff;

    switch (TRB_TYPE_OF(event->control)) {
    case TRB_TRANSFER_EVENT:
        transfer_event(x, event);
        break;
    case TRB_COMMAND_EVENT:
        if (x->command.trb && event->parameter == x->command.trb)
            finish(&x->command, EVENT_CODE(event->status), (u8)(event->control >> 24));
        break;
    case TRB_PORT_EVENT:
        WRITE_ONCE(x->ports[port].changed, true);
        usb_wake();
        break;
    case TRB_HOST_EVENT: /* events were lost: any port may have changed */
        for (u32 i = 1; i <= x->nports; i++)
            WRITE_ONCE(x->ports[i].changed, true);
        usb_wake();
        break;
    default:
        break;
    }
}

void xhci_poll(struct xhci *x)
{
    irqflags_t flags = spin_lock_irq(&x->lock);
    u32 n = 0;

    while (x->running && n < EVENTS_PER_POLL) {
        struct trb *next = &x->memory->events[x->event_next], event;

        if ((READ_ONCE(next->control) & TRB_CYCLE) != x->event_cycle)
            break;
        barrier();
        event = *next;
        if (++x->event_next == EVENT_TRBS) {
            x->event_next = 0;
            x->event_cycle ^= TRB_CYCLE;
        }
        handle_event(x, &event);
        n++;
    }
    if (n)
        xhci_write64(x, x->runtime + RUN_ERDP,
                     virt_to_phys(&x->memory->events[x->event_next]) | ERDP_BUSY);
    spin_unlock_irq(&x->lock, flags);
}

bool xhci_is_broken(const struct xhci *x)
{
    u32 status = xhci_read(x, x->op + OP_STATUS);

    return status & (STATUS_SYSTEM_ERROR | STATUS_HOST_ERROR) || status == ~0u;
}

bool xhci_wait(struct xhci *x, const struct usb_wait *w, u32 ms)
{
    u64 now = clock_monotonic_ns(), spin = now + SPIN_NS,
        deadline = now + ms * 1000000ull;

    for (;;) {
        xhci_poll(x);
        if (READ_ONCE(w->done))
            return true;
        now = clock_monotonic_ns();
        if (now >= deadline)
            return false;
        if (now < spin)
            cpu_relax();
        else
            thread_park_until(deadline);
    }
}
