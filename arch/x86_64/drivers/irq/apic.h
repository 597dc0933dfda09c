/* SPDX-License-Identifier: MIT
 *
 * The local APIC.
 */
#pragma once

#include "lib/types.h"

bool apic_init(void);        /* false: none, or not usable */
const char *apic_mode(void); /* "none", "xAPIC", "x2APIC" */
void apic_eoi(void);
/* Makes the timer raise VEC_TIMER when asked, on the boot CPU; what it is, NULL: it does not
 * run. Other CPUs take the same with apic_timer_init_cpu, after their apic_init. */
const char *apic_timer_init(void);
void apic_timer_init_cpu(void);
/* VEC_TIMER once, in ns or earlier when that is long. Interrupts off. */
void apic_timer_arm(u64 ns);
