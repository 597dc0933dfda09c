/* SPDX-License-Identifier: MIT
 *
 * USB keyboards behind xHCI controllers, the whole of it for the rest of the kernel: found
 * and taken over from the firmware at boot, brought up by a kernel thread, polled by the
 * tick. docs/reference/usb.md says what is supported.
 */
#pragma once

#include "lib/types.h"

/* Takes the controllers over from the firmware and starts the thread that brings them up;
 * nothing with `noxhci` on the command line. Once, after the clock runs, and before a PS/2
 * keyboard is looked for: a firmware that still owns a controller imitates one. */
void usb_init(void);

/* Handles what the controllers reported since the last call: bounded work, never sleeps.
 * Called by the tick, interrupts off. */
void usb_poll(void);

/* Whether there is something to poll. */
bool usb_is_polled(void);

/* For the drivers beside it. Sleep of the USB thread. */
void usb_sleep(u32 ms);
/* Wakes the USB thread; any context. */
void usb_wake(void);
