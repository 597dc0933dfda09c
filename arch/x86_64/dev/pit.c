/* SPDX-License-Identifier: MIT
 *
 * Channel 0 of the 8254 timer: the yardstick for the other clocks at boot, and the tick
 * on machines without a usable local APIC.
 */
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/dev/dev.h"

#define PIT_CHANNEL0 0x40
#define PIT_COMMAND  0x43

#define MODE_RATE  0x34 /* channel 0, both bytes, rate generator */
#define LATCH      0x00
#define PROBES_MAX 10000

static void set_divisor(u16 divisor)
{
    outb(PIT_COMMAND, MODE_RATE);
    outb(PIT_CHANNEL0, (u8)divisor);
    outb(PIT_CHANNEL0, (u8)(divisor >> 8));
}

u16 pit_read(void)
{
    u16 low;

    outb(PIT_COMMAND, LATCH);
    low = inb(PIT_CHANNEL0);
    return (u16)(low | inb(PIT_CHANNEL0) << 8);
}

bool pit_start_free(void)
{
    u16 first;

    set_divisor(0);
    first = pit_read();
    for (u32 i = 0; i < PROBES_MAX; i++) {
        if (pit_read() != first)
            return true;
    }
    return false;
}

void pit_start_periodic(u32 hz)
{
    set_divisor((u16)(PIT_HZ / hz));
}
