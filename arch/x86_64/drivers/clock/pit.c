/* SPDX-License-Identifier: MIT
 *
 * Channel 0 of the 8254 timer: a reference clock for the TSC, and the tick on machines without a
 * usable local APIC.
 */
#include "arch/x86_64/drivers/clock/pit.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/drivers/clock/reference_clock.h"

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

/* It counts down. */
static u64 pit_read(void)
{
    u32 low;

    outb(PIT_COMMAND, LATCH);
    low = inb(PIT_CHANNEL0);
    return ~(low | (u32)inb(PIT_CHANNEL0) << 8) & 0xffff;
}

bool pit_start(struct reference_clock *y)
{
    u64 first;

    set_divisor(0); /* 65536 */
    first = pit_read();
    for (u32 i = 0; i < PROBES_MAX; i++) {
        if (pit_read() != first) {
            *y = (struct reference_clock){"PIT", PIT_HZ, 0xffff, pit_read, NULL};
            return true;
        }
    }
    return false;
}

bool pit_start_periodic(u32 hz)
{
    struct reference_clock y;

    if (!pit_start(&y))
        return false;
    set_divisor((u16)(PIT_HZ / hz));
    return true;
}
