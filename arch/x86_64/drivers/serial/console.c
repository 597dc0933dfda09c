/* SPDX-License-Identifier: MIT
 *
 * The console: what is written goes to the serial port, the debug port and the screen.
 */
#include "arch/console.h"

#include "arch/x86_64/drivers/display/screen.h"
#include "arch/x86_64/drivers/serial/console.h"
#include "arch/x86_64/drivers/serial/serial.h"
#include "kernel/panic.h"
#include "lib/spinlock.h"

#define NOBODY MAX_CPUS

static spinlock_t lock;     /* irq-safe; nobody waits for it during a panic */
static u32 writer = NOBODY; /* the CPU between console_begin and console_end */

irqflags_t console_begin(void)
{
    irqflags_t flags = irq_save();

    if (!panic_started()) {
        spin_lock(&lock);
        WRITE_ONCE(writer, cpu_id());
    }
    return flags;
}

void console_end(irqflags_t flags)
{
    if (READ_ONCE(writer) == cpu_id()) {
        WRITE_ONCE(writer, NOBODY);
        spin_unlock(&lock);
    }
    irq_restore(flags);
}

static void put(u8 byte)
{
    serial_put(byte);
    if (screen_present)
        screen_put(byte);
}

void console_put(u8 byte)
{
    irqflags_t flags;

    if (READ_ONCE(writer) == cpu_id()) {
        put(byte);
        return;
    }
    flags = console_begin();
    put(byte);
    console_end(flags);
}

void console_tick(void)
{
    if (screen_present)
        screen_tick();
}
