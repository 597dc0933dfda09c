/* SPDX-License-Identifier: MIT
 *
 * Clocks. Monotonic time comes from the TSC, scaled once at boot against the PIT, HPET or
 * CPUID; it never goes back.
 */
#pragma once

#include "lib/types.h"

#define TICK_HZ 100

/* Nanoseconds since boot. */
u64 clock_monotonic_ns(void);

/* How many cpu_cycles() pass in so many nanoseconds (below an hour). Once the clock runs. */
u64 clock_cycles_of_ns(u64 ns);

/* clock_monotonic_ns() of a moment that cpu_cycles() told. */
u64 clock_ns_of_cycles(u64 cycles);

/* Ticks so far. */
extern u32 clock_ticks;

/* Seconds since 1970 at boot, from the CMOS clock (0 when there is none). */
u64 clock_boot_epoch(void);

/* Starts the periodic tick on the running CPU and the interrupt controllers. */
void arch_timer_init(void);

/* CPU features, GDT, IDT, TSS, FPU and SYSCALL set-up of the boot CPU; prints one line of
 * what is missing. Called first in kmain. */
void arch_cpu_init(void);
