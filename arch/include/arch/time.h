/* SPDX-License-Identifier: MIT
 *
 * Clocks. Monotonic time comes from the TSC, scaled once at boot against the PIT, HPET or
 * CPUID; it never goes back.
 */
#pragma once

#include "lib/types.h"

#define TICK_HZ 100
#define TICK_NS (1000000000ul / TICK_HZ)

/* Nanoseconds since boot. */
u64 clock_monotonic_ns(void);

/* How many cpu_cycles() pass in so many nanoseconds (below an hour). Once the clock runs. */
u64 clock_cycles_of_ns(u64 ns);

/* Nanoseconds of so many cycles. */
u64 clock_ns_of_span(u64 cycles);

/* clock_monotonic_ns() of a moment that cpu_cycles() told. */
u64 clock_ns_of_cycles(u64 cycles);

/* The time in ticks, as of the last tick of a CPU that was not idle. */
extern u32 clock_ticks;

/* Seconds since 1970 at boot, from the CMOS clock (0 when there is none). */
u64 clock_boot_epoch(void);

/* The boot CPU's clock, interrupt controllers and timer. */
void arch_timer_init(void);

/* The running CPU's timer rings at that moment of clock_monotonic_ns(), or earlier when it is far
 * away: timer_interrupt() (arch/trap.h) is called then. Another call moves it. On machines that
 * have a periodic timer only it rings TICK_HZ times a second, whatever is asked. Interrupts off. */
void arch_timer_arm(u64 deadline_ns);

/* Looks at the devices that are polled; on the boot CPU, at each tick. Interrupts off. */
void arch_poll_devices(void);
/* How long the running CPU, which is idle, may sleep without that; ~0: for ever. */
u64 arch_idle_poll_ns(void);

/* CPU features, GDT, IDT, TSS, FPU and SYSCALL set-up of the boot CPU; prints one line of
 * what is missing. Called first in kmain. */
void arch_cpu_init(void);
