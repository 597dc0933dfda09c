/* SPDX-License-Identifier: MIT
 *
 * Interrupts: the tick and the console's received bytes. The tick also polls the serial
 * port and the keyboard, so input works on machines whose interrupt lines end elsewhere.
 */
#include "arch/irq.h"
#include "arch/console.h"
#include "arch/time.h"
#include "arch/x86_64/acpi/acpi.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/stop.h"
#include "arch/x86_64/drivers/clock/pit.h"
#include "arch/x86_64/drivers/clock/tsc.h"
#include "arch/x86_64/drivers/input/ps2.h"
#include "arch/x86_64/drivers/irq/apic.h"
#include "arch/x86_64/drivers/irq/irq.h"
#include "arch/x86_64/drivers/irq/pic.h"
#include "arch/x86_64/drivers/serial/serial.h"
#include "arch/x86_64/drivers/usb/usb.h"
#include "kernel/term/keyboard.h"
#include "kernel/term/screen.h"
#include "lib/assert.h"
#include "lib/log.h"

/* In idle the lines of keyboards and serial ports that do not deliver are looked at so often. */
#define SLOW_POLL_NS 50000000u

static bool timer_is_apic;
static const char *source; /* of the timer's interrupts */

const char *timer_source(void)
{
    return source;
}

void arch_timer_arm(u64 deadline_ns)
{
    u64 now = clock_monotonic_ns();

    if (timer_is_apic)
        apic_timer_arm(deadline_ns > now ? deadline_ns - now : 0);
}

void arch_poll_devices(void)
{
    serial_receive();
    usb_poll();
    ps2_tick();
    keyboard_tick();
    screen_tick();
}

u64 arch_idle_poll_ns(void)
{
    if (cpu_id() != 0)
        return ~0ull;
    return usb_is_polled() || ps2_is_busy() || keyboard_repeats() ? TICK_NS
                                                                  : SLOW_POLL_NS;
}

static void pic_interrupt(struct trapframe *tf, u32 line)
{
    if (!pic_accept(line))
        return;
    if (line == IRQ_PIT && !timer_is_apic)
        timer_interrupt(tf);
    else if (line == IRQ_SERIAL)
        serial_receive();
    else if (line == IRQ_KEYBOARD)
        ps2_receive();
}

void irq_dispatch(struct trapframe *tf)
{
    struct cpu *cpu = cpu_self();
    u64 vector = tf->vector;

    cpu->irq_depth++;
    WRITE_ONCE(cpu->irqs, cpu->irqs + 1);
    if (vector >= VEC_PIC && vector < VEC_PIC + 16) {
        pic_interrupt(tf, (u32)(vector - VEC_PIC));
    } else if (vector == VEC_TIMER) {
        apic_eoi();
        timer_interrupt(tf);
    } else if (vector == VEC_SERVE) {
        apic_eoi();
        cpu_serve();
    } else if (vector == VEC_STOP) {
        cpu_stop_at(tf);
    } else if (vector != VEC_SPURIOUS) {
        apic_eoi(); /* VEC_KICK, or nobody's: at least do not block the others */
    }
    cpu->irq_depth--;
}

bool irq_timer_per_cpu(void)
{
    return timer_is_apic;
}

void irq_init_cpu(void)
{
    apic_timer_init_cpu();
}

void arch_timer_init(void)
{
    tsc_init();
    apic_init();
    source = apic_timer_init();
    timer_is_apic = source != NULL;
    if (!timer_is_apic) {
        if (!pit_start_periodic(TICK_HZ))
            panic("time: no timer runs: neither a local APIC nor a PIT");
        source = "PIT";
        pic_unmask(IRQ_PIT);
    }
    printk("time: timer %s, TSC %lu.%03lu MHz by %s\n", source, tsc_khz() / 1000,
           tsc_khz() % 1000, tsc_source());
}

void console_enable_input(void)
{
    serial_enable_input();
    usb_init(); /* first: firmware that owns a controller imitates a PS/2 keyboard */
    if (acpi_has_8042())
        ps2_init();
}
