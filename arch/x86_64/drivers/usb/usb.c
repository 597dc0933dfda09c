/* SPDX-License-Identifier: MIT
 *
 * The USB thread: brings controllers up, serves their ports and devices, and sleeps until
 * the tick sees something for it.
 */
#include "arch/x86_64/drivers/usb/usb.h"

#include "arch/time.h"
#include "arch/x86_64/drivers/usb/device.h"
#include "arch/x86_64/drivers/usb/legacy.h"
#include "arch/x86_64/drivers/usb/port.h"
#include "arch/x86_64/drivers/usb/trb.h"
#include "arch/x86_64/drivers/usb/xhci.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/sched.h"
#include "kernel/term/keyboard.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/waitq.h"

#define CONTROLLERS_MAX 8u
#define POWER_MS        100u
#define RESTARTS_MAX    3u

static struct xhci controllers[CONTROLLERS_MAX];
static u32 ncontrollers;
static void *usb_thread; /* NULL: it has not begun */
static u8 leds_seen;

void usb_wake(void)
{
    if (usb_thread)
        thread_unpark(usb_thread);
}

void usb_sleep(u32 ms)
{
    u64 deadline = clock_monotonic_ns() + ms * 1000000ull;

    while (thread_park_until(deadline) == 0)
        ;
}

/* ---- the thread ---- */

/* Whether there is something to do. A wake-up may come while the thread waits for something
 * else: what the tick left behind is what counts. */
static bool has_work(const struct xhci *x)
{
    if (!x->running)
        return false;
    if (READ_ONCE(x->broken))
        return true;
    for (u32 port = 1; port <= x->nports; port++)
        if (READ_ONCE(x->ports[port].changed))
            return true;
    for (u32 slot = 1; slot <= XHCI_SLOTS; slot++) {
        const struct usb_device *dev = x->devices[slot];

        if (dev && (READ_ONCE(dev->pipe.halted) || READ_ONCE(dev->changed) ||
                    (!dev->nports && dev->leds != keyboard_leds())))
            return true;
    }
    return false;
}

/* A controller that was given up: its devices go, then it may try again. */
static void restart(struct xhci *x)
{
    for (u32 slot = 1; slot <= XHCI_SLOTS; slot++)
        if (x->devices[slot] && !x->devices[slot]->hub)
            usb_detach(x->devices[slot]);
    xhci_release(x);
    if (x->restarts++ < RESTARTS_MAX)
        xhci_start(x);
}

static void service(struct xhci *x)
{
    if (READ_ONCE(x->broken))
        xhci_fail(x, "it reports an error");
    for (u32 port = 1; port <= x->nports && x->running; port++) {
        if (!READ_ONCE(x->ports[port].changed))
            continue;
        WRITE_ONCE(x->ports[port].changed, false);
        root_service(x, port);
    }
    for (u32 slot = 1; slot <= XHCI_SLOTS && x->running; slot++)
        if (x->devices[slot])
            usb_service_device(x->devices[slot]);
    if (!x->running)
        restart(x);
}

static void usb_main(void *arg)
{
    (void)arg;
    usb_thread = thread_self();
    for (u32 i = 0; i < ncontrollers; i++)
        xhci_start(&controllers[i]);
    usb_sleep(POWER_MS);
    for (;;) {
        bool worked = false;

        for (u32 i = 0; i < ncontrollers; i++) {
            if (!has_work(&controllers[i]))
                continue;
            service(&controllers[i]);
            worked = true;
        }
        if (!worked)
            thread_park();
    }
}

/* ---- for the rest of the kernel ---- */

bool usb_is_polled(void)
{
    return READ_ONCE(usb_thread) != NULL;
}

void usb_poll(void)
{
    static u32 ticks;
    u8 leds;

    if (!usb_thread)
        return;
    ticks++;
    for (u32 i = 0; i < ncontrollers; i++) {
        struct xhci *x = &controllers[i];

        xhci_poll(x);
        if (ticks % TICK_HZ == 0 && x->running && !x->broken && xhci_is_broken(x)) {
            x->broken = true;
            usb_wake();
        }
    }
    leds = keyboard_leds();
    if (leds != leds_seen) {
        leds_seen = leds;
        usb_wake();
    }
}

static bool take_controller(const struct pci_device *pci, void *arg)
{
    struct xhci *x = &controllers[ncontrollers];

    (void)arg;
    if (pci->class != 0x0c || pci->subclass != 0x03 || pci->interface != 0x30)
        return true;
    memset(x, 0, sizeof(*x));
    x->number = ncontrollers + 1;
    if (xhci_map(x, pci)) {
        xhci_take_over(x);
        xhci_stop(x);
        ncontrollers++;
    }
    return ncontrollers < CONTROLLERS_MAX;
}

void usb_init(void)
{
    if (cmdline_get("noxhci"))
        return;
    pci_for_each(take_controller, NULL);
    if (ncontrollers && kthread_create("usb", usb_main, NULL) != 0) {
        printk("usb: no memory for its thread\n");
        ncontrollers = 0;
    }
}
